//! The notation of the labels of a group in the output.

use std::collections::BTreeMap;

/// Labels in the notation of Prometheus, with the job first.
pub(crate) fn shown_labels(labels: &BTreeMap<String, String>) -> String {
    let job = labels.get_key_value("job");
    let others = labels.iter().filter(|(name, _)| *name != "job");
    let pairs: Vec<String> =
        job.into_iter().chain(others).map(|(name, value)| format!("{name}={value:?}")).collect();
    format!("{{{}}}", pairs.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_job_comes_first() {
        let labels = BTreeMap::from([
            ("a".to_owned(), "1".to_owned()),
            ("job".to_owned(), "x\"".to_owned()),
        ]);
        assert_eq!(shown_labels(&labels), "{job=\"x\\\"\",a=\"1\"}");
    }
}
