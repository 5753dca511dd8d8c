//! Any bytes as delimited protobuf: the decoder neither panics nor takes memory beyond what the size of the body allows,
//! and what was decoded is encoded so that it decodes the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use prompush_core::{Encoder, Format, GroupingKey, check_push, protobuf, text};

fuzz_target!(|body: &[u8]| {
    match protobuf::decode(body) {
        Ok(exposition) => {
            let key = GroupingKey::new("fuzz").expect("a job");
            check_push(&exposition, &key);
            assert!(exposition.families.iter().all(|family| !family.metrics.is_empty()));
            text::to_string(&exposition);
            let written = encode(&exposition);
            let read = protobuf::decode(&written).expect("what was encoded can be decoded");
            assert_eq!(encode(&read), written);
        }
        Err(error) => {
            assert!(error.family >= 1 && error.offset < body.len().max(1), "{error}");
        }
    }
});

fn encode(exposition: &prompush_core::Exposition<'_>) -> Vec<u8> {
    let mut encoder = Encoder::new(Format::Protobuf);
    encoder.encode(exposition).expect("each family is there once").to_owned()
}
