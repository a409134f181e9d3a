#pragma once

#include <cstdint>
#include <exception>
#include <new>
#include <stdexcept>
#include <string>
#include <utility>

namespace sluice {

// What can go wrong, by the code that JavaScript sees (src/api/errors.ts).
enum class FaultCode {
  model_not_found,
  model_invalid,
  out_of_memory,
  gpu_unavailable,
  worker_unavailable,
  context_length,
  invalid_request,
  invalid_grammar,
  invalid_schema,
  queue_timeout,
  cancelled,
  closed,
  engine_failed,  // of one request; the engine goes on
  engine_ended,   // of all requests: the engine ended by itself
};

// A coded error on its way to JavaScript. A value: carried by messages, never thrown across a
// thread. FaultError is its thrown form inside one thread.
struct Fault {
  FaultCode code = FaultCode::engine_failed;
  std::string message;
  int32_t prompt_tokens = 0;   // with context_length
  int32_t context_tokens = 0;  // with context_length
  int32_t input = -1;          // which of several inputs is at fault, where one is
  std::string option{};        // with invalid_request: the option at fault, where it is no prompt
};

class FaultError : public std::runtime_error {
 public:
  explicit FaultError(Fault fault) : std::runtime_error(fault.message), fault(std::move(fault)) {}
  FaultError(FaultCode code, std::string message)
      : FaultError(Fault{code, std::move(message), 0, 0}) {}
  const Fault fault;
};

// Thrown where the input is valid but takes more work than is allowed.
class TooMuchWork : public FaultError {
 public:
  using FaultError::FaultError;
};

// What is wrong with one option of a request, by its name in JavaScript.
inline FaultError invalid_option(std::string option, std::string message) {
  return FaultError(
      Fault{FaultCode::invalid_request, std::move(message), 0, 0, -1, std::move(option)});
}

// The fault of a row of logits from which no token can be chosen.
inline FaultError unusable_logits() {
  return FaultError(FaultCode::engine_failed,
                    "the model computed no usable logits; its keys or values may be too large for "
                    "kvType f16 (try bf16), or its weights are damaged");
}

// An exception as a fault; `otherwise` is the code of one that is neither ours nor bad_alloc.
inline Fault fault_of(const std::exception& error, FaultCode otherwise) {
  if (const auto* ours = dynamic_cast<const FaultError*>(&error)) return ours->fault;
  if (dynamic_cast<const std::bad_alloc*>(&error)) {
    return {FaultCode::out_of_memory, "memory ran out; lower parallel or context", 0, 0};
  }
  return {otherwise, error.what(), 0, 0};
}

// The same of the exception that is being handled, of any type. Never throws: where there is no
// memory for a message, it is empty.
inline Fault current_fault(FaultCode otherwise) noexcept {
  try {
    try {
      throw;
    } catch (const std::exception& error) {
      return fault_of(error, otherwise);
    } catch (...) {  // some C++ libraries throw what is no std::exception
      return {otherwise, "something was thrown that is no std::exception", 0, 0};
    }
  } catch (const std::bad_alloc&) {
    return {FaultCode::out_of_memory, std::string(), 0, 0};
  }
}

}  // namespace sluice
