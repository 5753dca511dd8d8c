use super::*;

fn parse(json: &str) -> Vec<Group> {
    read(&mut json.as_bytes(), 1 << 20).unwrap()
}

fn labels(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

const ONE: &str = r#"{"status":"success","data":[{
    "labels":{"job":"x","metrics":"a label may be called so"},
    "last_push_successful":true,
    "foo":{"time_stamp":"2026-11-22T00:00:00Z","type":"GAUGE","help":"H","metrics":[
        {"labels":{"job":"x"},"value":"1.5"},{"labels":{"job":"x","a":"b"},"value":"NaN"}]},
    "h":{"time_stamp":"2026-11-22T00:00:00Z","type":"HISTOGRAM","metrics":[
        {"labels":{},"buckets":{"0.1":"1","+Inf":"3"},"count":"3","sum":"4.5"}]},
    "push_time_seconds":{"type":"GAUGE","metrics":[{"labels":{"instance":"","job":"x"},"value":"1.795339675e+09"}]},
    "push_failure_time_seconds":{"type":"GAUGE","metrics":[{"labels":{"instance":"","job":"x"},"value":"0"}]}
}]}"#;

#[test]
fn counts_what_was_pushed() {
    let [group] = parse(ONE).try_into().unwrap();
    assert_eq!(group.labels, labels(&[("job", "x"), ("metrics", "a label may be called so")]));
    assert_eq!((group.families, group.series), (2, 3));
    assert_eq!(group.last_push, Some(UNIX_EPOCH + Duration::from_secs(1_795_339_675)));
    assert_eq!(group.last_failure, None);
    assert!(group.last_push_successful);
}

#[test]
fn the_ttl_of_a_group_is_in_the_group() {
    let check = |metrics: &str, expected: Option<u64>, series: usize| {
        let ttl = format!(r#"{{"type":"GAUGE","metrics":[{metrics}]}}"#);
        let json = format!(r#"{{"data":[{{"labels":{{"job":"x"}},"push_ttl_seconds":{ttl}}}]}}"#);
        let [group] = parse(&json).try_into().unwrap();
        assert_eq!(group.ttl, expected.map(Duration::from_millis), "{metrics}");
        assert_eq!((group.families, group.series), (1, series), "{metrics}");
    };
    check(r#"{"labels":{},"value":"90.5"}"#, Some(90_500), 1);
    check(r#"{"labels":{"a":"1"},"value":"3"},{"labels":{"a":"2"},"value":"7"}"#, Some(7000), 2);
    for ever in ["+Inf", "1e300"] {
        let metric = format!(r#"{{"labels":{{}},"value":"{ever}"}}"#);
        let json = format!(r#"{{"data":[{{"push_ttl_seconds":{{"metrics":[{metric}]}}}}]}}"#);
        assert_eq!(parse(&json)[0].ttl, Some(Duration::MAX));
    }
    for unusable in ["0", "-1", "NaN", "soon"] {
        check(&format!(r#"{{"labels":{{}},"value":"{unusable}"}}"#), None, 1);
    }
    check(r#"{"labels":{},"count":"1","sum":"2"}"#, None, 1);
    check("", None, 0);
    assert_eq!(
        parse(r#"{"data":[{"push_ttl_seconds":3},{"push_ttl_seconds":null}]}"#)[0].ttl,
        None
    );
}

#[test]
fn a_metric_in_the_place_of_a_field_is_a_metric() {
    let [group] = parse(
        r#"{"status":"success","data":[{
        "labels":{"time_stamp":"t","type":"UNTYPED","metrics":[{"labels":{"a":"b"},"value":"1"}]},
        "last_push_successful":{"type":"UNTYPED","metrics":[{"labels":{},"value":"1"},{"labels":{},"value":"2"}]},
        "push_time_seconds":{"metrics":[{"labels":{"instance":"","job":"x","l":"v"},"value":"5"}]},
        "push_failure_time_seconds":{"metrics":[{"labels":{"instance":"","job":"x","l":"v"},"value":"7"}]}
    }]}"#,
    )
    .try_into()
    .unwrap();
    assert_eq!(group.labels, labels(&[("job", "x"), ("l", "v")]));
    assert_eq!((group.families, group.series), (2, 3));
    assert!(!group.last_push_successful);
}

#[test]
fn unexpected_json_is_tolerated() {
    assert_eq!(parse(r#"{"status":"success","data":[]}"#), []);
    assert_eq!(parse(r#"{"status":"success","data":null}"#), []);
    let groups = parse(
        r#"{"more":1,"data":[{"labels":{"job":"b"},"x":null,"y":[1,{}],"z":"s","n":1.5,"i":-1,
            "o":{"a":{"b":[]},"c":1,"d":null,"e":true},
            "push_failure_time_seconds":{"metrics":[]},"push_time_seconds":{}},
            {"labels":{"job":"a"}}]}"#,
    );
    assert_eq!(groups[0].labels, labels(&[("job", "a")]), "sorted");
    assert_eq!((groups[1].families, groups[1].series), (0, 0));
    assert_eq!(groups[1].last_push, None);
}

fn failure(json: &str, max: usize) -> HttpFailureKind {
    match read(&mut json.as_bytes(), max).unwrap_err() {
        ReadError::Other(failure, _) => failure,
        ReadError::Io(error) => panic!("{error}"),
    }
}

#[test]
fn answers_of_other_servers_are_refused() {
    for answer in
        ["<!DOCTYPE html><p>", "  <HTML>", "OK", "[]", "3", r#"{"data":{}}"#, r#"{"data":[3]}"#]
    {
        assert_eq!(failure(answer, 1 << 20), HttpFailureKind::Garbled, "{answer}");
    }
    assert_eq!(failure(ONE, ONE.len() - 1), HttpFailureKind::TooLarge);
    assert!(read(&mut ONE.as_bytes(), ONE.len()).is_ok());
    for answer in ["", r#"{"status":"success","data":[{"labels":{"#] {
        let error = read(&mut answer.as_bytes(), 1 << 20).unwrap_err();
        assert!(matches!(error, ReadError::Io(_)), "{answer:?} {error:?}");
    }
}

#[test]
fn times() {
    assert_eq!(time(0.0), None);
    assert_eq!(time(-1.0), None);
    assert_eq!(time(f64::NAN), None);
    assert_eq!(time(f64::INFINITY), None);
    assert_eq!(time(1.5), Some(UNIX_EPOCH + Duration::from_millis(1500)));
}
