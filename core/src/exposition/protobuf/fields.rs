//! Reading the wire format of protobuf, field by field, without generated types.
//!
//! Nothing is copied, and a length that is greater than the rest of the body is an error. So a small body
//! cannot make the reader allocate.
//!
//! Source: protobuf.dev, "Encoding".

use std::borrow::Cow;

/// The fault in a message. The texts are constants.
pub type Reason = &'static str;

pub(crate) const TRUNCATED: Reason = "unexpected EOF";
const WRONG_WIRE_TYPE: Reason = "a field has the wrong wire type";

/// Reads the fields of a message.
#[derive(Clone, Copy, Debug)]
pub struct Fields<'a> {
    body: &'a [u8],
    /// The position of the next field. Invariant: at most `body.len()`.
    at: usize,
}

/// The value of a field, by its wire type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Value<'a> {
    /// An integer, an enum or a `bool`.
    Varint(u64),
    /// Eight bytes: a `double` or an integer.
    Fixed64(u64),
    /// A string, bytes, a message, or packed numbers.
    Bytes(&'a [u8]),
    /// Four bytes: a `float` or an integer.
    Fixed32(u32),
}

impl<'a> Fields<'a> {
    /// Reads the fields of the message `body`.
    pub fn new(body: &'a [u8]) -> Self {
        Self { body, at: 0 }
    }

    /// The position of the next field, in bytes.
    pub(crate) fn offset(&self) -> usize {
        self.at
    }

    pub(crate) fn rest(&self) -> &'a [u8] {
        &self.body[self.at..]
    }

    pub(crate) fn varint(&mut self) -> Result<u64, Reason> {
        let mut value = 0_u64;
        for (place, byte) in self.rest().iter().take(10).enumerate() {
            let bits = u64::from(byte & 0x7F);
            if place == 9 && bits > 1 {
                return Err("a number is longer than 64 bits");
            }
            value |= bits << (7 * place);
            if byte & 0x80 == 0 {
                self.at += place + 1;
                return Ok(value);
            }
        }
        Err(if self.rest().len() < 10 { TRUNCATED } else { "a number is longer than 64 bits" })
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], Reason> {
        let taken = self.rest().get(..length).ok_or(TRUNCATED)?;
        self.at += length;
        Ok(taken)
    }

    pub(crate) fn bytes(&mut self) -> Result<&'a [u8], Reason> {
        let length = self.varint()?;
        self.take(usize::try_from(length).map_err(|_| TRUNCATED)?)
    }

    /// Reads the number and the value of the next field. Returns `None` at the end of the message.
    ///
    /// # Errors
    /// If the bytes are not a field.
    pub fn next_field(&mut self) -> Result<Option<(u64, Value<'a>)>, Reason> {
        if self.rest().is_empty() {
            return Ok(None);
        }
        let key = self.varint()?;
        let value = match key & 7 {
            0 => Value::Varint(self.varint()?),
            1 => {
                let bytes = self.take(8)?.try_into().map_err(|_| TRUNCATED)?;
                Value::Fixed64(u64::from_le_bytes(bytes))
            }
            2 => Value::Bytes(self.bytes()?),
            5 => {
                let bytes = self.take(4)?.try_into().map_err(|_| TRUNCATED)?;
                Value::Fixed32(u32::from_le_bytes(bytes))
            }
            _ => return Err("a field has a wire type that is not used"),
        };
        match key >> 3 {
            0 => Err("a field has the number 0"),
            number => Ok(Some((number, value))),
        }
    }

    /// Calls `on_field` with the number and the value of each field.
    ///
    /// # Errors
    /// The first error of `on_field`; or an error if the bytes are not fields.
    pub fn each(
        mut self,
        mut on_field: impl FnMut(u64, Value<'a>) -> Result<(), Reason>,
    ) -> Result<(), Reason> {
        while let Some((number, value)) = self.next_field()? {
            on_field(number, value)?;
        }
        Ok(())
    }
}

impl<'a> Value<'a> {
    /// The bytes of a string, of bytes, or of a message.
    ///
    /// # Errors
    /// If the field has another wire type.
    pub fn bytes(self) -> Result<&'a [u8], Reason> {
        match self {
            Self::Bytes(bytes) => Ok(bytes),
            _ => Err(WRONG_WIRE_TYPE),
        }
    }

    /// The value as a string.
    ///
    /// # Errors
    /// If the field has another wire type, or is not UTF-8.
    pub fn text(self) -> Result<&'a str, Reason> {
        std::str::from_utf8(self.bytes()?).map_err(|_| "a text is not UTF-8")
    }

    /// The value as a string of an exposition.
    pub(crate) fn borrowed_text(self) -> Result<Cow<'a, str>, Reason> {
        self.text().map(Cow::Borrowed)
    }

    /// The value as a message.
    ///
    /// # Errors
    /// If the field has another wire type.
    pub fn message(self) -> Result<Fields<'a>, Reason> {
        self.bytes().map(Fields::new)
    }

    /// The value as a `double`.
    ///
    /// # Errors
    /// If the field has another wire type.
    pub fn double(self) -> Result<f64, Reason> {
        self.fixed64().map(f64::from_bits)
    }

    /// The value as a `fixed64`.
    ///
    /// # Errors
    /// If the field has another wire type.
    pub fn fixed64(self) -> Result<u64, Reason> {
        match self {
            Self::Fixed64(number) => Ok(number),
            _ => Err(WRONG_WIRE_TYPE),
        }
    }

    /// The value as an integer of variable width.
    ///
    /// # Errors
    /// If the field has another wire type.
    pub fn varint(self) -> Result<u64, Reason> {
        match self {
            Self::Varint(number) => Ok(number),
            _ => Err(WRONG_WIRE_TYPE),
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "a gateway keeps counts as floats too")]
    pub(crate) fn count(self) -> Result<f64, Reason> {
        self.varint().map(|count| count as f64)
    }

    /// Calls `on_number` for each number of a repeated field of eight-byte numbers, packed or not.
    ///
    /// # Errors
    /// The first error of `on_number`; or an error if the field has another wire type.
    pub fn each_fixed64(
        self,
        mut on_number: impl FnMut(u64) -> Result<(), Reason>,
    ) -> Result<(), Reason> {
        let Self::Bytes(packed) = self else { return on_number(self.fixed64()?) };
        let (numbers, rest) = packed.as_chunks();
        if !rest.is_empty() {
            return Err(TRUNCATED);
        }
        numbers.iter().try_for_each(|bytes| on_number(u64::from_le_bytes(*bytes)))
    }

    /// Calls `on_number` for each number of a repeated field of varints, packed or not.
    ///
    /// # Errors
    /// The first error of `on_number`; or an error if the field has another wire type.
    pub fn each_varint(
        self,
        mut on_number: impl FnMut(u64) -> Result<(), Reason>,
    ) -> Result<(), Reason> {
        let Self::Bytes(packed) = self else { return on_number(self.varint()?) };
        let mut numbers = Fields::new(packed);
        while !numbers.rest().is_empty() {
            on_number(numbers.varint()?)?;
        }
        Ok(())
    }
}
