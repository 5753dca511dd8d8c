use super::*;
use crate::exposition::protobuf::fields::TRUNCATED;
use crate::text;

/// A field whose value is bytes.
fn bytes(number: u8, value: &[u8]) -> Vec<u8> {
    let mut field = vec![number << 3 | 2, u8::try_from(value.len()).unwrap()];
    field.extend_from_slice(value);
    field
}

fn double(number: u8, value: f64) -> Vec<u8> {
    [&[number << 3 | 1][..], &value.to_le_bytes()].concat()
}

fn varint(number: u8, value: u8) -> Vec<u8> {
    vec![number << 3, value]
}

fn label(name: &str, value: &str) -> Vec<u8> {
    bytes(1, &[bytes(1, name.as_bytes()), bytes(2, value.as_bytes())].concat())
}

fn family(name: &str, metric_type: u8, metric: &[u8]) -> Vec<u8> {
    let family = [bytes(1, name.as_bytes()), varint(3, metric_type), bytes(4, metric)].concat();
    [&[u8::try_from(family.len()).unwrap()][..], &family].concat()
}

#[track_caller]
fn check(body: &[u8], expected: &str) {
    let printed = match decode(body) {
        Ok(exposition) => text::to_string(&exposition),
        Err(error) => error.to_string(),
    };
    assert_eq!(printed.trim_end(), expected);
}

#[test]
fn plain_types() {
    let gauge = [label("a", "b"), bytes(2, &double(1, 2.5))].concat();
    check(&family("g", 1, &gauge), "# TYPE g gauge\ng{a=\"b\"} 2.5");
    check(&family("u", 3, &bytes(5, &double(1, 1.0))), "# TYPE u untyped\nu 1");
    let no_type = bytes(1, b"c_total");
    let metric = bytes(4, &bytes(3, &double(1, 1.0)));
    let body = [no_type, metric].concat();
    let body = [&[u8::try_from(body.len()).unwrap()][..], &body].concat();
    check(&body, "# TYPE c_total counter\nc_total 1");
}

#[test]
fn the_last_of_two_families_counts() {
    let body =
        [family("g", 1, &bytes(2, &double(1, 1.0))), family("g", 1, &bytes(2, &double(1, 2.0)))];
    check(&body.concat(), "# TYPE g gauge\ng 2");
}

#[test]
fn histograms_and_summaries() {
    let bucket = [varint(1, 1), double(2, 1.0)].concat();
    let histogram = [varint(1, 2), double(2, 3.0), bytes(3, &bucket)].concat();
    check(
        &family("h", 4, &bytes(7, &histogram)),
        "# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 2\nh_sum 3\nh_count 2",
    );
    let quantile = [double(1, 0.5), double(2, 1.0)].concat();
    let summary = [varint(1, 2), double(2, 3.0), bytes(3, &quantile)].concat();
    check(
        &family("s", 2, &bytes(4, &summary)),
        "# TYPE s summary\ns{quantile=\"0.5\"} 1\ns_sum 3\ns_count 2",
    );
}

#[test]
fn native_histograms() {
    let spans = |length: u8| bytes(12, &[varint(1, 0), varint(2, length)].concat());
    let native = |length| {
        let histogram =
            [varint(1, 2), double(2, 3.0), varint(5, 0), spans(length), bytes(13, &[2, 0])];
        family("h", 4, &bytes(7, &histogram.concat()))
    };
    check(&native(2), "# TYPE h histogram\nh_bucket{le=\"+Inf\"} 2\nh_sum 3\nh_count 2");
    check(
        &native(3),
        "metric family 1 at byte 0: a native histogram has not as many buckets as its spans promise",
    );
}

#[test]
fn broken_bodies_are_refused() {
    check(b"foo 1\n", "metric family 1 at byte 0: unexpected EOF");
    check(
        &family("g", 1, &bytes(3, &double(1, 1.0))),
        "metric family 1 at byte 0: a metric has no value of its family's type",
    );
    let whole = family("g", 1, &bytes(2, &double(1, 1.0)));
    for length in 1..whole.len() {
        assert!(decode(&whole[..length]).is_err(), "cut after {length}");
    }
}

#[test]
fn a_length_beyond_the_end_of_the_body_is_refused() {
    for bits in [31, 36, 48, 55, 62, 63] {
        let mut body = Vec::new();
        let mut length = 1_u64 << bits;
        while length > 0 {
            let more = if length > 0x7F { 0x80 } else { 0 };
            body.push(u8::try_from(length & 0x7F).unwrap() | more);
            length >>= 7;
        }
        assert_eq!(decode(&body).unwrap_err().reason, TRUNCATED, "2^{bits}");
    }
}

proptest::proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(body in proptest::collection::vec(proptest::num::u8::ANY, 0..100)) {
        assert!(decode(&body).map_or(true, |read| read.families.len() <= 50));
    }
}
