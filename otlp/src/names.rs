//! Names of metrics and labels in Prometheus for those of OTLP.
//!
//! Source: OpenTelemetry specification, "Prometheus and OpenMetrics compatibility"; decided as
//! Prometheus's own OTLP receiver decides it with its default translation, suffixes and escaping.

use crate::decode::PointKind;

/// Units of OTLP (UCUM) with their words in Prometheus; others are taken as they are.
const UNITS: [(&str, &str); 26] = [
    ("d", "days"),
    ("h", "hours"),
    ("min", "minutes"),
    ("s", "seconds"),
    ("ms", "milliseconds"),
    ("us", "microseconds"),
    ("ns", "nanoseconds"),
    ("By", "bytes"),
    ("KiBy", "kibibytes"),
    ("MiBy", "mebibytes"),
    ("GiBy", "gibibytes"),
    ("TiBy", "tibibytes"),
    ("KBy", "kilobytes"),
    ("MBy", "megabytes"),
    ("GBy", "gigabytes"),
    ("TBy", "terabytes"),
    ("m", "meters"),
    ("V", "volts"),
    ("A", "amperes"),
    ("J", "joules"),
    ("W", "watts"),
    ("g", "grams"),
    ("Cel", "celsius"),
    ("Hz", "hertz"),
    ("1", ""),
    ("%", "percent"),
];

/// Units behind a slash.
const PER_UNITS: [(&str, &str); 7] = [
    ("s", "second"),
    ("m", "minute"),
    ("h", "hour"),
    ("d", "day"),
    ("w", "week"),
    ("mo", "month"),
    ("y", "year"),
];

/// The name of a metric's family: its words, then those of the unit that it lacks, then
/// `total` for a counter or `ratio` for a gauge whose unit is 1.
///
/// Nothing where no character of the name is allowed.
pub(crate) fn family_name(name: &str, unit: &str, kind: PointKind) -> Option<String> {
    let is_word = |character: char| character.is_ascii_alphanumeric() || character == ':';
    let mut words: Vec<String> =
        name.split(|character| !is_word(character)).map(str::to_owned).collect();
    words.retain(|word| !word.is_empty());
    add_unit(&mut words, unit);
    let suffix = match kind {
        PointKind::Sum { monotonic: true } => Some("total"),
        PointKind::Gauge if unit == "1" => Some("ratio"),
        _ => None,
    };
    if let Some(suffix) = suffix {
        words.retain(|word| word != suffix);
        words.push(suffix.to_owned());
    }
    let name = words.join("_");
    match name.bytes().next() {
        None => None,
        Some(first) if first.is_ascii_digit() => Some(format!("_{name}")),
        Some(_) => Some(name),
    }
}

fn add_unit(words: &mut Vec<String>, unit: &str) {
    let (main, per) = unit.split_once('/').unwrap_or((unit, ""));
    let mut main = clean(word_for(&UNITS, main));
    let mut per = match word_for(&PER_UNITS, per) {
        "" => String::new(),
        per => clean(&format!("per_{per}")).trim_end_matches('_').to_owned(),
    };
    if words.contains(&main) {
        main.clear();
    }
    if per == "per" || words.contains(&per) {
        per.clear();
    }
    if !per.is_empty() && main.ends_with('_') {
        main.pop();
    }
    words.extend([main, per].into_iter().filter(|word| !word.is_empty()));
}

/// The word for a unit; none for one in braces, which is an annotation.
fn word_for<'a>(words: &[(&str, &'a str)], unit: &'a str) -> &'a str {
    let unit = unit.trim();
    if unit.contains(['{', '}']) {
        return "";
    }
    words.iter().find(|(known, _)| *known == unit).map_or(unit, |(_, word)| word)
}

/// The unit in allowed characters, without underscores at its start or two in a row.
fn clean(unit: &str) -> String {
    let mut cleaned = String::with_capacity(unit.len());
    for character in unit.chars() {
        if character.is_ascii_alphanumeric() || character == ':' {
            cleaned.push(character);
        } else if !cleaned.is_empty() && !cleaned.ends_with('_') {
            cleaned.push('_');
        }
    }
    cleaned
}

/// The name of the label for an attribute; nothing where no character of it is allowed.
///
/// One that Prometheus reserves (`__…`) gets `key` in front, like one that begins with a single
/// underscore; `key_` stands before a digit.
pub(crate) fn label_name(key: &str) -> Option<String> {
    let escape = |character: char| if character.is_ascii_alphanumeric() { character } else { '_' };
    let name: String = key.chars().map(escape).collect();
    if name.bytes().all(|byte| byte == b'_') {
        return None;
    }
    Some(match name.bytes().next() {
        Some(first) if first.is_ascii_digit() => format!("key_{name}"),
        Some(b'_') => format!("key{name}"),
        _ => name,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const COUNTER: PointKind = PointKind::Sum { monotonic: true };

    #[track_caller]
    fn check(name: &str, unit: &str, kind: PointKind, expected: &str) {
        let found = family_name(name, unit, kind);
        assert_eq!(found.as_deref().unwrap_or_default(), expected, "{name:?} in {unit:?}");
    }

    #[test]
    fn a_unit_becomes_a_suffix_unless_the_name_has_it() {
        check("agent_tokens_processed", "tokens", COUNTER, "agent_tokens_processed_total");
        check("agent_tool_calls", "calls", COUNTER, "agent_tool_calls_total");
        check("agent_llm_requests", "requests", COUNTER, "agent_llm_requests_total");
        check(
            "agent_tool_duration_seconds",
            "seconds",
            PointKind::Histogram,
            "agent_tool_duration_seconds",
        );
        check("agent_llm_cost_usd", "USD", COUNTER, "agent_llm_cost_usd_USD_total");
        check("agent_skill_cost_usd", "USD", COUNTER, "agent_skill_cost_usd_USD_total");
        check("agent_skill_invocations", "invocations", COUNTER, "agent_skill_invocations_total");
        check(
            "agent_skill_completions",
            "invocations",
            COUNTER,
            "agent_skill_completions_invocations_total",
        );
        check("agent_skill_tokens", "tokens", COUNTER, "agent_skill_tokens_total");
        check(
            "agent_active_conversations",
            "conversations",
            PointKind::Sum { monotonic: false },
            "agent_active_conversations",
        );
    }

    #[test]
    fn instrumentations_names_are_those_of_prometheus() {
        check(
            "gen_ai.client.token.usage",
            "token",
            PointKind::Histogram,
            "gen_ai_client_token_usage",
        );
        check(
            "http.client.duration",
            "ms",
            PointKind::Histogram,
            "http_client_duration_milliseconds",
        );
        check(
            "gen_ai.client.generation.choices",
            "choice",
            COUNTER,
            "gen_ai_client_generation_choices_choice_total",
        );
        check(
            "llm.openai.chat_completions.exceptions",
            "time",
            COUNTER,
            "llm_openai_chat_completions_exceptions_time_total",
        );
    }

    #[test]
    fn units_become_suffixes_where_the_name_lacks_them() {
        check("requests", "1/s", COUNTER, "requests_per_second_total");
        check("throughput", "By/s", PointKind::Gauge, "throughput_bytes_per_second");
        check("fill", "1", PointKind::Gauge, "fill_ratio");
        check("items", "1", COUNTER, "items_total");
        check("fill_ratio", "1", PointKind::Gauge, "fill_ratio");
        check("total_requests", "", COUNTER, "requests_total");
        check("x", "{request}", PointKind::Gauge, "x");
        check("x", "By/{request}", PointKind::Gauge, "x_bytes");
        check("a__b", "c__d", PointKind::Gauge, "a_b_c_d");
        check("x", "u@w#s/c!", PointKind::Gauge, "x_u_w_s_per_c");
        check("x.seconds", "s", PointKind::Summary, "x_seconds");
    }

    #[test]
    fn no_name_is_left_that_is_none() {
        check("@#$", "", PointKind::Gauge, "");
        check("", "s", PointKind::Gauge, "seconds");
        check("2xx", "", COUNTER, "_2xx_total");
        check("naïve", "", PointKind::Gauge, "na_ve");
    }

    #[test]
    fn attributes_become_labels() {
        let check = |key, expected: Option<&str>| {
            assert_eq!(label_name(key).as_deref(), expected, "{key:?}");
        };
        check("gen_ai.response.model", Some("gen_ai_response_model"));
        check("a..b", Some("a__b"));
        check("2xx", Some("key_2xx"));
        check("_x", Some("key_x"));
        check("__name__", Some("key__name__"));
        check("é", None);
        check("", None);
        check("__", None);
    }
}
