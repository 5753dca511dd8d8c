//! Bodies of OTLP exports of metrics, written field by field.
//!
//! Field numbers are those of opentelemetry-proto 1.x, `metrics/v1/metrics.proto`.

/// A message, or some fields of one.
pub type Message = Vec<u8>;

/// The temporality of points that count from the previous point.
pub const DELTA: u64 = 1;
/// The temporality of points that count from the start.
pub const CUMULATIVE: u64 = 2;

/// A varint.
pub fn varint(mut value: u64) -> Message {
    let mut out = Vec::new();
    while value > 0x7F {
        out.push(low_byte(value) | 0x80);
        value >>= 7;
    }
    out.push(low_byte(value));
    out
}

fn low_byte(value: u64) -> u8 {
    value.to_le_bytes()[0]
}

/// A field whose value is a varint.
pub fn whole(field: u64, value: u64) -> Message {
    [varint(field << 3), varint(value)].concat()
}

/// A field that is a number of eight bytes.
pub fn fixed(field: u64, value: u64) -> Message {
    [varint(field << 3 | 1), value.to_le_bytes().to_vec()].concat()
}

/// A field whose value is a floating point number.
pub fn double(field: u64, value: f64) -> Message {
    fixed(field, value.to_bits())
}

/// A field whose value is a text, bytes, or a message.
pub fn bytes(field: u64, value: impl AsRef<[u8]>) -> Message {
    let value = value.as_ref();
    [varint(field << 3 | 2), varint(value.len() as u64), value.to_vec()].concat()
}

/// An attribute. `value` is the encoded `AnyValue`.
pub fn attribute(key: &str, value: Message) -> Message {
    [bytes(1, key), bytes(2, value)].concat()
}

/// The attributes of a point. `field` is the number of their field, which depends on the kind.
pub fn attributes(field: u64, attributes: &[(&str, &str)]) -> Message {
    let one = |(key, value): &(&str, &str)| bytes(field, attribute(key, bytes(1, value)));
    attributes.iter().flat_map(one).collect()
}

/// The start time and the time of a point.
#[derive(Clone, Copy, Debug)]
pub struct Span(pub u64, pub u64);

impl Span {
    fn fields(self) -> Message {
        [fixed(2, self.0), fixed(3, self.1)].concat()
    }
}

/// A point with a floating point value.
pub fn number(labels: &[(&str, &str)], span: Span, value: f64) -> Message {
    [attributes(7, labels), span.fields(), double(4, value)].concat()
}

/// A point with an integer value.
pub fn integer(labels: &[(&str, &str)], span: Span, value: i64) -> Message {
    [attributes(7, labels), span.fields(), fixed(6, value.cast_unsigned())].concat()
}

/// A point of a histogram with explicit bounds.
pub fn buckets(
    labels: &[(&str, &str)],
    span: Span,
    sum: f64,
    bounds: &[f64],
    counts: &[u64],
) -> Message {
    let packed = |field, numbers: Vec<u64>| {
        bytes(field, numbers.into_iter().flat_map(u64::to_le_bytes).collect::<Vec<u8>>())
    };
    [
        attributes(9, labels),
        span.fields(),
        fixed(4, counts.iter().sum()),
        double(5, sum),
        packed(6, counts.to_vec()),
        packed(7, bounds.iter().map(|bound| bound.to_bits()).collect()),
    ]
    .concat()
}

/// A metric: its name and unit, and the field that holds its data.
fn metric(name: &str, unit: &str, field: u64, data: Message) -> Message {
    bytes(2, [bytes(1, name), bytes(2, "Help."), bytes(3, unit), bytes(field, data)].concat())
}

fn points(of: &[Message]) -> Message {
    of.iter().map(|point| bytes(1, point)).collect::<Vec<Message>>().concat()
}

/// A gauge with these points.
pub fn gauge(name: &str, unit: &str, of: &[Message]) -> Message {
    metric(name, unit, 5, points(of))
}

/// A sum with these points.
pub fn sum(name: &str, temporality: u64, monotonic: bool, of: &[Message]) -> Message {
    sum_in("", name, temporality, monotonic, of)
}

/// A sum in `unit`.
pub fn sum_in(
    unit: &str,
    name: &str,
    temporality: u64,
    monotonic: bool,
    of: &[Message],
) -> Message {
    let data = [points(of), whole(2, temporality), whole(3, u64::from(monotonic))].concat();
    metric(name, unit, 7, data)
}

/// A cumulative sum that only grows.
pub fn counter(name: &str, of: &[Message]) -> Message {
    sum(name, CUMULATIVE, true, of)
}

/// A histogram in seconds.
pub fn histogram(name: &str, temporality: u64, of: &[Message]) -> Message {
    histogram_in("s", name, temporality, of)
}

/// A histogram in `unit`.
pub fn histogram_in(unit: &str, name: &str, temporality: u64, of: &[Message]) -> Message {
    metric(name, unit, 9, [points(of), whole(2, temporality)].concat())
}

/// A cumulative exponential histogram.
pub fn exponential(name: &str, unit: &str, of: &[Message]) -> Message {
    metric(name, unit, 10, [points(of), whole(2, CUMULATIVE)].concat())
}

/// A summary.
pub fn summary(name: &str, of: &[Message]) -> Message {
    metric(name, "", 11, points(of))
}

/// An export, with a scope of its own for each metric.
pub fn export(scopes: &[(&str, Message)]) -> Message {
    let scope = |(name, metrics): &(&str, Message)| {
        bytes(2, [bytes(1, bytes(1, name)), metrics.clone()].concat())
    };
    bytes(1, scopes.iter().flat_map(scope).collect::<Vec<u8>>())
}
