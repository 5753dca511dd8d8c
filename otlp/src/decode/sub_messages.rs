//! Finds the messages inside of a message, by the number of their field.

use prompush_core::protobuf::{Fields, Reason};

/// Calls `on_message` with each message in a field with the number `wanted`.
pub(crate) fn each_message<'a>(
    fields: Fields<'a>,
    wanted: u64,
    mut on_message: impl FnMut(Fields<'a>) -> Result<(), Reason>,
) -> Result<(), Reason> {
    fields.each(
        |number, value| {
            if number == wanted { on_message(value.message()?) } else { Ok(()) }
        },
    )
}
