//! Any bytes as an OTLP export, compressed or not: the decoder neither panics nor takes memory beyond its limit, and an
//! instance makes a strict exposition of the export.
#![no_main]

use std::sync::Arc;
use std::time::SystemTime;

use libfuzzer_sys::fuzz_target;
use prompush_core::{Encoder, Format, GroupingKey, check_push, parse};
use prompush_http_server::content_coding::{self, ContentCoding};
use prompush_otlp::{Export, Instance, Rules};

fuzz_target!(|body: &[u8]| {
    for encoding in [None, Some("gzip"), Some("deflate")] {
        let coding = ContentCoding::from_header(encoding).expect("a known coding");
        let Ok(body) = content_coding::decode(coding, body, 1 << 20) else { continue };
        let Ok(export) = Export::decode(body) else { continue };
        let everything = Rules::default().instrumentation(true);
        for rules in [Rules::default(), everything] {
            let instance = Instance::new(Arc::new(rules));
            for _ in 0..2 {
                let ingested = instance.ingest(&export, SystemTime::UNIX_EPOCH);
                assert_eq!(ingested.taken + ingested.dropped, export.points());
            }
            assert!(instance.samples() <= 2000);
            for format in [Format::Text, Format::OpenMetrics, Format::Protobuf] {
                let mut encoder = Encoder::new(format);
                let body = encoder.encode(&instance).expect("each family is there once");
                check(body, format);
            }
        }
    }
});

fn check(body: &[u8], format: Format) {
    let key = GroupingKey::new("fuzz").expect("a job");
    match parse(body, format) {
        Ok(exposition) => assert_eq!(check_push(&exposition, &key), []),
        // OpenMetrics refuses values such as negative buckets, which a program may export and a scrape accepts.
        Err(error) => assert_eq!(format, Format::OpenMetrics, "{error}"),
    }
}
