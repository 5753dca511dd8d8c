//! Guards: no body makes the decoder panic, take memory beyond its limit, or recurse without end.

use std::io::Write as _;
use std::sync::Arc;
use std::time::SystemTime;

use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
use prompush_core::{Format, GroupingKey, check_push, parse};
use prompush_http_server::content_coding::ContentCodingError;
use prompush_otlp::{Export, Instance, Rules};
use prompush_testing::otlp_body::{
    Span, attribute, buckets, bytes, export, gauge, histogram, number,
};
use prompush_testing::{otlp_capture, otlp_captures};
use proptest::prelude::*;

use crate::support::{decompress, encode, ingest};

/// Does everything with a body that prompush does, and checks that the result is a strict
/// exposition.
fn survive(body: &[u8], content_encoding: Option<&str>) {
    let Ok(body) = decompress(body, content_encoding, 1 << 20) else { return };
    let Ok(export) = Export::decode(body) else { return };
    let rules = "keep instrumentation\nkeep attribute *";
    let key = GroupingKey::new("agent").unwrap();
    for rules in [Rules::default(), Rules::parse(rules).unwrap()] {
        let instance = Instance::new(Arc::new(rules));
        for _ in 0..2 {
            let ingested = instance.ingest(&export, SystemTime::UNIX_EPOCH);
            assert_eq!(ingested.taken + ingested.dropped, export.points());
        }
        let text = encode(&instance, Format::Text);
        let exposition = parse(&text, Format::Text).unwrap();
        assert_eq!(check_push(&exposition, &key), []);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn any_bytes_are_read_or_refused(body in proptest::collection::vec(any::<u8>(), 0..300)) {
        for encoding in [None, Some("gzip"), Some("deflate")] {
            survive(&body, encoding);
        }
    }

    #[test]
    fn bodies_with_bytes_changed_are_read_or_refused(
        which in 0_usize..32,
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        keep in any::<prop::sample::Index>(),
    ) {
        let names = otlp_captures();
        let mut body = otlp_capture(&names[which % names.len()]);
        for (position, byte) in changes {
            let position = position.index(body.len());
            body[position] = byte;
        }
        survive(&body, None);
        body.truncate(keep.index(body.len()));
        survive(&body, None);
    }
}

#[test]
fn a_bomb_is_refused_at_its_limit() {
    let zeros = vec![0_u8; 4 << 20];
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    let mut zlib = ZlibEncoder::new(Vec::new(), Compression::fast());
    let mut raw = DeflateEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(&zeros).unwrap();
    zlib.write_all(&zeros).unwrap();
    raw.write_all(&zeros).unwrap();
    for (body, encoding) in [
        (gzip.finish().unwrap(), "gzip"),
        (zlib.finish().unwrap(), "deflate"),
        (raw.finish().unwrap(), "deflate"),
    ] {
        let error = decompress(&body, Some(encoding), 1 << 20).unwrap_err();
        assert!(matches!(error, ContentCodingError::TooLarge { bytes_max: 1_048_576 }), "{error}");
    }
    let error = decompress(&zeros, None, 1 << 20).unwrap_err();
    assert!(matches!(error, ContentCodingError::TooLarge { .. }), "{error}");
}

#[test]
fn values_that_are_nested_deep_are_refused() {
    let nested = |depth: usize| {
        let mut value = bytes(1, "x");
        for _ in 0..depth {
            value = bytes(5, bytes(1, &value));
        }
        let point = [bytes(7, attribute("a", value)), number(&[], Span(0, 9), 1.0)].concat();
        Export::decode(export(&[("", gauge("g", "", &[point]))]))
    };
    nested(15).unwrap();
    let error = nested(10_000).unwrap_err();
    assert!(error.to_string().ends_with("nested more than 16 deep"), "{error}");
}

#[test]
fn endless_repetition_is_refused_or_dropped() {
    let attributes: Vec<u8> = (0..2_000).flat_map(|_| bytes(7, [])).collect();
    let body = export(&[("", gauge("g", "", &[attributes]))]);
    let error = Export::decode(body).unwrap_err();
    assert!(error.to_string().ends_with("more than 1,000 attributes"), "{error}");

    let (bounds, counts): (Vec<f64>, Vec<u64>) =
        ((0..5_000).map(f64::from).collect(), vec![1; 5_001]);
    let instance = Instance::new(Arc::new(Rules::default()));
    let point = buckets(&[], Span(1, 9), 1.0, &bounds, &counts);
    assert_eq!(ingest(&instance, &[histogram("h", 2, &[point])]).dropped, 1);
}
