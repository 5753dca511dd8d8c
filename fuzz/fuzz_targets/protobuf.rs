//! Any bytes as delimited protobuf: the decoder neither panics nor takes memory beyond the body's.
#![no_main]

use libfuzzer_sys::fuzz_target;
use prompush_core::{GroupingKey, check_push, protobuf, text};

fuzz_target!(|body: &[u8]| {
    match protobuf::decode(body) {
        Ok(exposition) => {
            let key = GroupingKey::new("fuzz").expect("a job");
            check_push(&exposition, &key);
            assert!(exposition.families.iter().all(|family| !family.metrics.is_empty()));
            text::to_string(&exposition);
        }
        Err(error) => {
            assert!(error.family >= 1 && error.offset < body.len().max(1), "{error}");
        }
    }
});
