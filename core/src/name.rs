//! Names of metrics and labels, checked once when they are made.

use std::fmt;
use std::sync::Arc;

use crate::error::NameError;

/// Whether `name` is a metric name of the legacy character set, `[a-zA-Z_:][a-zA-Z0-9_:]*`.
///
/// Source: Prometheus, "Data model".
pub fn is_metric_name(name: &str) -> bool {
    is_name(name.as_bytes(), is_metric_name_byte)
}

/// Whether `name` is a label name of the legacy character set, `[a-zA-Z_][a-zA-Z0-9_]*`.
///
/// This accepts names that begin with `__`. Those are reserved, so [`LabelName`] refuses them.
pub fn is_label_name(name: &str) -> bool {
    is_name(name.as_bytes(), is_label_name_byte)
}

fn is_name(name: &[u8], is_name_byte: impl Fn(u8) -> bool) -> bool {
    match name {
        [] => false,
        [first, ..] => !first.is_ascii_digit() && name.iter().all(|byte| is_name_byte(*byte)),
    }
}

/// For each byte, whether a label name may contain it. A table, because the parser looks up every byte
/// of every name.
const LABEL_NAME_BYTES: [bool; 256] = {
    let mut bytes = [false; 256];
    let mut byte = 0_u8;
    while byte < 128 {
        bytes[byte as usize] = byte.is_ascii_alphanumeric() || byte == b'_';
        byte += 1;
    }
    bytes
};

pub(crate) fn is_label_name_byte(byte: u8) -> bool {
    LABEL_NAME_BYTES[usize::from(byte)]
}

pub(crate) fn is_metric_name_byte(byte: u8) -> bool {
    is_label_name_byte(byte) || byte == b':'
}

macro_rules! name_type {
    ($(#[$doc:meta])* $type:ident, $what:literal, $check:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $type(Arc<str>);

        impl $type {
            /// Checks `name`.
            ///
            /// # Errors
            /// [`NameError`] with the name and the rule it breaks.
            pub fn new(name: &str) -> Result<Self, NameError> {
                let check: fn(&str) -> Result<(), &'static str> = $check;
                match check(name) {
                    Ok(()) => Ok(Self(name.into())),
                    Err(reason) => {
                        Err(NameError { what: $what, name: name.to_owned(), reason })
                    }
                }
            }

            /// A name of prompush itself, which needs no check.
            pub(crate) fn known_valid(name: &'static str) -> Self {
                Self(name.into())
            }

            /// The name.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl AsRef<str> for $type {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&*self.0, f)
            }
        }
    };
}

name_type! {
    /// The name of a metric: `[a-zA-Z_:][a-zA-Z0-9_:]*`.
    ///
    /// Source: Prometheus, "Data model".
    MetricName, "metric", |name| match name {
        "" => Err("is empty"),
        name if is_metric_name(name) => Ok(()),
        _ => Err("must match [a-zA-Z_:][a-zA-Z0-9_:]*"),
    }
}

name_type! {
    /// The name of a label: `[a-zA-Z_][a-zA-Z0-9_]*`, and not reserved, that is, not beginning with
    /// `__`.
    ///
    /// Source: Prometheus, "Data model".
    LabelName, "label", |name| match name {
        "" => Err("is empty"),
        name if name.starts_with("__") => Err("begins with `__`, which is reserved"),
        name if is_label_name(name) => Ok(()),
        _ => Err("must match [a-zA-Z_][a-zA-Z0-9_]*"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metric_names() {
        for good in ["a", "_", ":", "a:b_c9", "A1"] {
            assert!(MetricName::new(good).is_ok(), "{good}");
        }
        for bad in ["", "1a", "a-b", "a.b", "é", "a b", "a\n"] {
            assert!(MetricName::new(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn label_names() {
        for good in ["a", "_a", "le", "A1_"] {
            assert!(LabelName::new(good).is_ok(), "{good}");
        }
        for bad in ["", "1a", "a:b", "__a", "__name__", "a b"] {
            assert!(LabelName::new(bad).is_err(), "{bad}");
        }
        assert_eq!(
            LabelName::new("a-b").unwrap_err().to_string(),
            "label name `a-b` must match [a-zA-Z_][a-zA-Z0-9_]*"
        );
    }
}
