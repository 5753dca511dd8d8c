//! Any bytes as text 0.0.4 and as OpenMetrics: the parser does not panic, and parsing up to the first error agrees with
//! parsing everything.
#![no_main]

use libfuzzer_sys::fuzz_target;
use prompush_core::{Format, GroupingKey, check_push, parse, parse_all};

fuzz_target!(|body: &[u8]| {
    let key = GroupingKey::new("fuzz").expect("a job");
    for format in [Format::Text, Format::OpenMetrics] {
        let first = parse(body, format);
        let (all, errors) = parse_all(body, format);
        assert_eq!(first.as_ref().err(), errors.first());
        for error in &errors {
            assert!(error.line >= 1 && error.column >= 1 && error.width >= 1, "{error}");
        }
        assert!(errors.is_sorted_by_key(|error| error.line) || format == Format::OpenMetrics);
        check_push(&all, &key);
        if let Ok(exposition) = first {
            assert!(exposition.families.iter().all(|family| !family.metrics.is_empty()));
        }
    }
});
