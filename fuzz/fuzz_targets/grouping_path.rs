//! Any text as the path of a group: a path that decodes encodes to a path that decodes to the same group.
#![no_main]

use libfuzzer_sys::fuzz_target;
use prompush_core::{GroupingKey, decode_path, encode_path};

fuzz_target!(|path: &str| {
    if let Ok(labels) = decode_path(path) {
        let pairs = labels.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let written = encode_path(pairs).expect("a decoded path has a job");
        let relative = written.strip_prefix("/metrics").expect("a path begins so");
        assert_eq!(decode_path(relative).as_ref(), Ok(&labels), "{written}");
    }
    if let Ok(key) = GroupingKey::from_path(path) {
        assert_eq!(GroupingKey::from_path(&key.to_path()).as_ref(), Ok(&key));
    }
});
