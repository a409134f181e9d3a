"""The GGUF: weights as Q8_0 (norms as float32), tokenizer, chat template and sampling defaults."""

import os
import sys
from pathlib import Path

import numpy

import corpus as corpora

LLAMA = Path(os.environ.get("LLAMA_CPP_DIR", Path(__file__).parents[2] / "deps" / "llama.cpp"))
sys.path.insert(0, str(LLAMA / "gguf-py"))
import gguf  # noqa: E402  (llama.cpp's own, found beside its source)

DESCRIPTION = ("A tiny story model, so that the first run of Sluice is a real one. It tells short "
               "stories about what it is asked for, and can do nothing else.")


def write(model, tokens, path, sampling):
    part = Path(path).with_suffix(".part")
    writer = gguf.GGUFWriter(part, "llama")
    add_general(writer, sampling)
    add_shape(writer, model.shape)
    add_tokenizer(writer, tokens)
    for name, weights in tensors_of(model):
        add_tensor(writer, name, weights)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    os.replace(part, path)


def add_general(writer, sampling):
    writer.add_type("model")
    writer.add_name("Storyteller")
    writer.add_basename("storyteller")
    writer.add_author("Sluice")
    writer.add_organization("Sluice")
    writer.add_version("1")
    writer.add_description(DESCRIPTION)
    writer.add_license("MIT")
    writer.add_languages(["en"])
    writer.add_tags(["text-generation", "stories"])
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q8_0)
    writer.add_quantization_version(gguf.GGML_QUANT_VERSION)
    for key, value in sampling.items():
        add = writer.add_int32 if isinstance(value, int) else writer.add_float32
        add(f"general.sampling.{key}", value)


def add_shape(writer, shape):
    writer.add_context_length(shape.context)
    writer.add_embedding_length(shape.width)
    writer.add_block_count(shape.layers)
    writer.add_feed_forward_length(shape.hidden)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.heads)
    writer.add_layer_norm_rms_eps(shape.norm_epsilon)
    writer.add_rope_freq_base(shape.rope_base)
    writer.add_rope_dimension_count(shape.head_width)
    writer.add_vocab_size(shape.vocab)


def add_tokenizer(writer, tokens):
    normal, control = gguf.TokenType.NORMAL, gguf.TokenType.CONTROL
    special = {tokens.end_of_text, tokens.turn_start, tokens.turn_end}
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(tokens.tokens)
    writer.add_token_types([control if i in special else normal
                            for i in range(len(tokens.tokens))])
    writer.add_token_merges([f"{a} {b}" for a, b in tokens.merges])
    writer.add_bos_token_id(tokens.end_of_text)
    writer.add_eos_token_id(tokens.turn_end)
    writer.add_eot_token_id(tokens.turn_end)
    writer.add_pad_token_id(tokens.end_of_text)
    writer.add_add_bos_token(False)
    writer.add_add_eos_token(False)
    writer.add_add_space_prefix(False)
    writer.add_chat_template(corpora.CHAT_TEMPLATE)


def tensors_of(model):
    """llama.cpp's names. There is no output.weight: the embedding serves as both."""
    yield "token_embd.weight", model.embedding.weight
    for index, block in enumerate(model.blocks):
        names = {"attn_norm": block.attention_norm, "attn_q": block.q, "attn_k": block.k,
                 "attn_v": block.v, "attn_output": block.o, "ffn_norm": block.hidden_norm,
                 "ffn_gate": block.gate, "ffn_up": block.up, "ffn_down": block.down}
        for name, module in names.items():
            yield f"blk.{index}.{name}.weight", module.weight
    yield "output_norm.weight", model.norm.weight


def add_tensor(writer, name, weights):
    array = weights.detach().float().numpy().astype(numpy.float32)
    if array.ndim == 1:
        writer.add_tensor(name, array)
        return
    kind = gguf.GGMLQuantizationType.Q8_0
    writer.add_tensor(name, gguf.quantize(array, kind), raw_dtype=kind)
