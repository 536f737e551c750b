import CTorch

/// The text of libtorch's last failure on this thread.
func lastFailure() -> String {
  let message = String(cString: ct_error_message())
  return ct_error_kind() == CT_ERROR_MEMORY ? "out of memory: \(message)" : message
}

/// Traps with libtorch's message when a call that returns a status failed.
///
/// A failed operation is a programmer's mistake (a shape, a type): it does not throw, so that formulas stay formulas.
func check(_ status: Int32, function: StaticString = #function) {
  if status != 0 { fatalError("\(function): \(lastFailure())") }
}
