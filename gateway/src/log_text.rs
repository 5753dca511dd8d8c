//! Text from clients in a log.

/// Replaces control characters by escape sequences, so that text from a client cannot control the terminal on which
/// a log is read.
pub(crate) fn escape_control_characters(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for char in text.chars() {
        if char.is_control() {
            escaped.extend(char.escape_default());
        } else {
            escaped.push(char);
        }
    }
    escaped
}
