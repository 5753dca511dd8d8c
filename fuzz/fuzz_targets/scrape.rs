//! Any bytes as a scraped body: parsing does not panic, and the result is a strict exposition.
#![no_main]

use libfuzzer_sys::fuzz_target;
use prompush_core::{Encoder, Format, GroupingKey, check_push, parse};
use prompush_otlp::{Rules, scrape};

fuzz_target!(|body: &[u8]| {
    let key = GroupingKey::new("fuzz").expect("a job");
    for rules in [Rules::default(), Rules::default().instrumentation(true)] {
        let Ok(metrics) = scrape::parse(body, &rules) else { continue };
        let mut encoder = Encoder::new(Format::Text);
        let Ok(text) = encoder.encode(&metrics) else { panic!("two families have one name") };
        let exposition = parse(text, Format::Text).expect("a strict exposition");
        for complaint in check_push(&exposition, &key) {
            assert!(!complaint.kind.is_error(), "{complaint}");
        }
    }
});
