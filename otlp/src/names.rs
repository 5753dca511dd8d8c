//! Translates names of OTLP into names of Prometheus.
//!
//! Source: OpenTelemetry specification, "Prometheus and OpenMetrics compatibility". Where the
//! specification leaves a choice, names are those of Prometheus's own OTLP receiver with its
//! default settings (suffixes and escaping).

use crate::decode::PointKind;

/// Units of OTLP (UCUM) and their words in Prometheus. Other units are used as they are.
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

/// Units after a slash, and their words in Prometheus.
const PER_UNITS: [(&str, &str); 7] = [
    ("s", "second"),
    ("m", "minute"),
    ("h", "hour"),
    ("d", "day"),
    ("w", "week"),
    ("mo", "month"),
    ("y", "year"),
];

/// The family name for a metric: the words of its name, the words of its unit that the name lacks,
/// then `total` for a counter, or `ratio` for a gauge with the unit 1. `_` separates the words.
///
/// `None` when no character of the name or the unit is allowed.
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

/// Appends the words of `unit` that `words` lacks.
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

/// The word for a unit; empty for a unit with braces, which is an annotation.
fn word_for<'a>(words: &[(&str, &'a str)], unit: &'a str) -> &'a str {
    let unit = unit.trim();
    if unit.contains(['{', '}']) {
        return "";
    }
    words.iter().find(|(listed, _)| *listed == unit).map_or(unit, |(_, word)| word)
}

/// The unit, with `_` for each run of characters that are not allowed, except at its start.
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

/// The label name for an attribute, with `_` for each character that is not allowed; `None` when
/// no character is.
///
/// A name that would begin with `_` gets the prefix `key`, because Prometheus reserves names that
/// begin with `__`. A name that would begin with a digit gets the prefix `key_`.
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
    fn names_of_instrumentation_libraries() {
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
    fn characters_that_are_not_allowed() {
        check("@#$", "", PointKind::Gauge, "");
        check("", "s", PointKind::Gauge, "seconds");
        check("2xx", "", COUNTER, "_2xx_total");
        check("naïve", "", PointKind::Gauge, "na_ve");
    }

    #[test]
    fn attributes_become_label_names() {
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
