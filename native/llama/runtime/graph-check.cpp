#include "llama/runtime/graph-check.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "ggml.h"

namespace sluice {
namespace {

using Node = const ggml_tensor&;

int32_t int_param(Node node, int at) { return node.op_params[at]; }

float float_param(Node node, int at) {
  float value;
  std::memcpy(&value, &node.op_params[at], sizeof(value));
  return value;
}

ggml_type type_of(Node node, int source) {
  return node.src[source] ? node.src[source]->type : node.type;
}

bool is_f32(Node node, int source) { return type_of(node, source) == GGML_TYPE_F32; }

bool all_f32(Node node, int sources) {
  for (int i = 0; i < sources; ++i) {
    if (!is_f32(node, i)) return false;
  }
  return true;
}

bool is_float(ggml_type type) {
  return type == GGML_TYPE_F32 || type == GGML_TYPE_F16 || type == GGML_TYPE_BF16;
}

// Types of a result that ggml knows how to multiply with: type_traits_cpu has a vec_dot for each.
bool can_multiply(ggml_type type) {
  return is_float(type) ||
         (ggml_is_quantized(type) && type != GGML_TYPE_Q8_1 && type != GGML_TYPE_Q8_K);
}

bool has_whole_rows(Node node, int source) {
  const ggml_tensor* tensor = node.src[source];
  return tensor->nb[0] == ggml_type_size(tensor->type);
}

bool multiplies(Node node) { return can_multiply(type_of(node, 0)) && has_whole_rows(node, 0); }

bool takes_f32(Node node) { return is_f32(node, 0); }

bool takes_float(Node node) { return is_float(type_of(node, 0)); }

bool has_epsilon(Node node) {
  const float epsilon = float_param(node, 0);
  return std::isfinite(epsilon) && epsilon >= 0;
}

bool has_group_epsilon(Node node) {
  const float epsilon = float_param(node, 1);
  return std::isfinite(epsilon) && epsilon >= 0;
}

bool has_groups(Node node) { return int_param(node, 0) >= 1; }

// Which types the second operand may have depends on the first operand and the result.
bool combines(Node node) {
  const ggml_type a = type_of(node, 0);
  const ggml_type b = type_of(node, 1);
  if (a == GGML_TYPE_F32) return b == GGML_TYPE_F32;
  if (a == GGML_TYPE_F16 || a == GGML_TYPE_BF16) {
    return b == GGML_TYPE_F32 || (b == a && node.type == a);
  }
  return node.op == GGML_OP_ADD && can_multiply(a) && b == GGML_TYPE_F32;
}

bool looks_up(Node node) {
  const ggml_type type = type_of(node, 0);
  return is_float(type) || type == GGML_TYPE_I32 ||
         (ggml_is_quantized(type) && type != GGML_TYPE_Q8_K);
}

bool copies(Node node) {
  const ggml_type from = type_of(node, 0);
  if (from == node.type) return true;
  if (ggml_is_quantized(from)) return node.type == GGML_TYPE_F32;
  if (from == GGML_TYPE_I32) return node.type == GGML_TYPE_F32;
  if (!is_float(from)) return false;
  return is_float(node.type) || node.type == GGML_TYPE_I32 || ggml_is_quantized(node.type);
}

bool rotates_within_head(Node node) {
  const int64_t dimensions = int_param(node, 1);
  const int64_t offset = int_param(node, 15);
  return dimensions >= 2 && offset >= 0 && offset + dimensions <= node.src[0]->ne[0];
}

bool rotates_pairs(Node node) {
  return int_param(node, 1) % 2 == 0 && int_param(node, 15) % 2 == 0;
}

bool has_sections(Node node) {
  if (!(int_param(node, 2) & GGML_ROPE_TYPE_MROPE)) return true;
  int64_t sum = 0;
  for (int i = 11; i < 15; ++i) {
    if (int_param(node, i) < 0) return false;
    sum += int_param(node, i);
  }
  return sum > int_param(node, 14) && sum <= node.src[0]->ne[0];
}

bool has_rope_factors(Node node) {
  const ggml_tensor* factors = node.src[2];
  if (!factors) return true;
  return factors->type == GGML_TYPE_F32 && factors->ne[0] >= int_param(node, 1) / 2;
}

bool scans(Node node) { return all_f32(node, 6) && node.src[1]->ne[1] % node.src[4]->ne[1] == 0; }

bool convolves_state(Node node) { return all_f32(node, 2); }

bool adds_by_id(Node node) { return all_f32(node, 2) && type_of(node, 2) == GGML_TYPE_I32; }

bool multiplies_by_id(Node node) {
  return multiplies(node) && is_f32(node, 1) && type_of(node, 2) == GGML_TYPE_I32;
}

bool convolves(Node node) {
  const ggml_type kernel = type_of(node, 0);
  return kernel == GGML_TYPE_F32 || kernel == GGML_TYPE_F16;
}

bool concatenates(Node node) { return type_of(node, 0) == type_of(node, 1); }

bool all_sources_f32(Node node) {
  for (int i = 0; i < GGML_MAX_SRC; ++i) {
    if (node.src[i] && node.src[i]->type != GGML_TYPE_F32) return false;
  }
  return true;
}

struct Rule {
  ggml_op op;
  bool (*holds)(Node);
  const char* guards;  // the function of ggml-cpu that asserts otherwise (llama.cpp v0.5.0)
  const char* expected;
};

// What must hold of the operations that models use, as far as ggml's constructors do not check it:
// they check shapes when the graph is built.
constexpr Rule kRules[] = {
    {GGML_OP_NORM, takes_f32, "norm", "numbers of type f32"},
    {GGML_OP_NORM, has_epsilon, "norm_f32", "an epsilon of 0 or more"},
    {GGML_OP_RMS_NORM, takes_f32, "rms_norm", "numbers of type f32"},
    {GGML_OP_RMS_NORM, has_epsilon, "rms_norm_f32", "an epsilon of 0 or more"},
    {GGML_OP_L2_NORM, takes_f32, "l2_norm", "numbers of type f32"},
    {GGML_OP_L2_NORM, has_epsilon, "l2_norm_f32", "an epsilon of 0 or more"},
    {GGML_OP_GROUP_NORM, takes_f32, "group_norm", "numbers of type f32"},
    {GGML_OP_GROUP_NORM, has_groups, "group_norm_f32", "1 group or more"},
    {GGML_OP_GROUP_NORM, has_group_epsilon, "group_norm_f32", "an epsilon of 0 or more"},
    {GGML_OP_ROPE, convolves, "rope", "numbers of type f32 or f16"},
    {GGML_OP_ROPE, rotates_within_head, "rope_flt", "2 dimensions to the head's size"},
    {GGML_OP_ROPE, rotates_pairs, "rope_flt", "an even number of dimensions"},
    {GGML_OP_ROPE, has_sections, "mrope_cache_init", "sections within the head's size"},
    {GGML_OP_ROPE, has_rope_factors, "rope_flt", "factors of type f32, one for two dimensions"},
    {GGML_OP_ADD, combines, "binary_op", "operands of type f32"},
    {GGML_OP_SUB, combines, "binary_op", "operands of type f32"},
    {GGML_OP_MUL, combines, "binary_op", "operands of type f32"},
    {GGML_OP_DIV, combines, "binary_op", "operands of type f32"},
    {GGML_OP_ADD_ID, adds_by_id, "add_id_f32", "operands of type f32"},
    {GGML_OP_MUL_MAT, multiplies, "mul_mat", "weights of a float type or quantized"},
    {GGML_OP_MUL_MAT_ID, multiplies_by_id, "mul_mat_id", "weights of a float type or quantized"},
    {GGML_OP_GET_ROWS, looks_up, "get_rows", "rows of a float type or quantized"},
    {GGML_OP_CPY, copies, "dup", "a type that can be converted"},
    {GGML_OP_CONT, copies, "dup", "a type that can be converted"},
    {GGML_OP_DUP, copies, "dup", "a type that can be converted"},
    {GGML_OP_CONCAT, concatenates, "concat", "parts of one type"},
    {GGML_OP_SOFT_MAX, takes_f32, "soft_max", "numbers of type f32"},
    {GGML_OP_UNARY, takes_float, "unary", "numbers of a float type"},
    {GGML_OP_GLU, convolves, "glu", "numbers of type f32 or f16"},
    {GGML_OP_SQR, takes_float, "unary", "numbers of a float type"},
    {GGML_OP_SQRT, takes_float, "unary", "numbers of a float type"},
    {GGML_OP_LOG, takes_float, "unary", "numbers of a float type"},
    {GGML_OP_SIN, takes_float, "unary", "numbers of a float type"},
    {GGML_OP_COS, takes_float, "unary", "numbers of a float type"},
    {GGML_OP_SCALE, takes_f32, "scale", "numbers of type f32"},
    {GGML_OP_SUM, takes_float, "sum", "numbers of a float type"},
    {GGML_OP_SUM_ROWS, takes_f32, "sum_rows", "numbers of type f32"},
    {GGML_OP_CUMSUM, takes_f32, "cumsum", "numbers of type f32"},
    {GGML_OP_MEAN, takes_f32, "mean", "numbers of type f32"},
    {GGML_OP_ARGSORT, takes_f32, "argsort", "numbers of type f32"},
    {GGML_OP_TOP_K, takes_f32, "top_k", "numbers of type f32"},
    {GGML_OP_CLAMP, convolves, "clamp", "numbers of type f32 or f16"},
    {GGML_OP_SET_ROWS, convolves, "set_rows_impl", "rows of type f32 or f16"},
    {GGML_OP_TRI, takes_f32, "tri", "numbers of type f32"},
    {GGML_OP_LEAKY_RELU, convolves, "leaky_relu", "numbers of type f32 or f16"},
    {GGML_OP_SSM_CONV, convolves_state, "ssm_conv", "operands of type f32"},
    {GGML_OP_SSM_SCAN, scans, "ssm_scan_f32", "operands of type f32, heads in whole groups"},
    {GGML_OP_RWKV_WKV6, all_sources_f32, "rwkv_wkv6", "operands of type f32"},
    {GGML_OP_RWKV_WKV7, all_sources_f32, "rwkv_wkv7", "operands of type f32"},
    {GGML_OP_GATED_LINEAR_ATTN, all_sources_f32, "gla", "operands of type f32"},
    {GGML_OP_GATED_DELTA_NET, all_sources_f32, "gated_delta_net", "operands of type f32"},
    {GGML_OP_SOLVE_TRI, all_sources_f32, "solve_tri", "operands of type f32"},
    {GGML_OP_IM2COL, convolves, "im2col", "weights of type f32 or f16"},
    {GGML_OP_CONV_TRANSPOSE_1D, convolves, "conv_transpose_1d", "weights of type f32 or f16"},
    {GGML_OP_CONV_2D, convolves, "conv_2d", "weights of type f32 or f16"},
    {GGML_OP_CONV_2D_DW, convolves, "conv_2d_dw", "weights of type f32 or f16"},
};

bool is_weight(Node tensor) {
  return tensor.op == GGML_OP_NONE &&
         (std::strncmp(tensor.name, "blk.", 4) == 0 || std::strstr(tensor.name, ".weight"));
}

// The weight that a node reads, if it reads one; its own name otherwise.
std::string name_of(Node node) {
  for (int i = 0; i < GGML_MAX_SRC; ++i) {
    const ggml_tensor* source = node.src[i];
    while (source && source->view_src) source = source->view_src;
    if (source && is_weight(*source)) return source->name;
  }
  return node.name;
}

std::string types_of(Node node) {
  std::string types;
  for (int i = 0; i < GGML_MAX_SRC && node.src[i]; ++i) {
    types += (types.empty() ? "" : ", ") + std::string(ggml_type_name(node.src[i]->type));
  }
  return types;
}

}  // namespace

std::string uncomputable(ggml_cgraph* graph) {
  for (int i = 0; i < ggml_graph_n_nodes(graph); ++i) {
    Node node = *ggml_graph_node(graph, i);
    for (const Rule& rule : kRules) {
      if (rule.op != node.op || rule.holds(node)) continue;
      return std::string(ggml_op_name(node.op)) + " of " + name_of(node) + " (types " +
             types_of(node) + ") cannot be computed, expected " + rule.expected;
    }
  }
  return "";
}

int64_t positions_max(ggml_cgraph* graph) {
  int64_t most = std::numeric_limits<int64_t>::max();
  for (int i = 0; i < ggml_graph_n_nodes(graph); ++i) {
    Node node = *ggml_graph_node(graph, i);
    if (node.op != GGML_OP_GET_ROWS) continue;
    const bool is_table = std::strcmp(node.src[0]->name, "position_embd.weight") == 0;
    if (is_table) most = std::min(most, node.src[0]->ne[1]);
  }
  return most;
}

}  // namespace sluice
