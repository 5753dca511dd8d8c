//! Part of prompush.
#![forbid(unsafe_code)]
