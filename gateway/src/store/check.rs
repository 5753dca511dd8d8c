//! Whether a push keeps the exposition consistent, in time proportional to the push.

use prompush_core::{MetricType, PUSH_TIME};

use super::{
    Family, Group, GroupId, GroupKey, Inconsistency, Refusal, Rendered, RenderedFamily, Slot,
    Store, own_metrics,
};

impl Store {
    /// Decides on a push to the group of that id, or to a new one.
    pub(super) fn check(
        &self,
        id: Option<GroupId>,
        key: &GroupKey,
        rendered: &Rendered,
        replace: bool,
    ) -> Result<(), Refusal> {
        let group = id.and_then(|id| self.groups.get(&id));
        if group.is_none() {
            self.check_own_series(key)?;
        }
        let push = Push { store: self, group, rendered, replace };
        for (name, family) in &rendered.families {
            push.check_family(name, family)?;
        }
        self.check_limits(group, rendered, replace)
    }

    /// A group without `instance` and one with an empty `instance` would show the same push times.
    fn check_own_series(&self, key: &GroupKey) -> Result<(), Inconsistency> {
        let Some(family) = self.families.get(PUSH_TIME) else { return Ok(()) };
        let own = self.renderer.render_gauge(PUSH_TIME, key, 0.0);
        match own.samples.metrics().find(|metric| family.has_series(metric, None)) {
            Some(metric) => Err(Inconsistency::Duplicate {
                family: PUSH_TIME.to_owned(),
                labels: String::from_utf8_lossy(metric.labels).into_owned(),
            }),
            None => Ok(()),
        }
    }

    fn check_limits(
        &self,
        group: Option<&Group>,
        rendered: &Rendered,
        replace: bool,
    ) -> Result<(), Refusal> {
        let limits = &self.limits;
        if group.is_none() && self.groups.len() >= limits.groups_max {
            return Err(Refusal::Full { limit: limits.groups_max, what: "groups" });
        }
        let (mut series, mut bytes) = (self.series, self.bytes);
        for family in rendered.families.values() {
            series += family.samples.len();
            bytes += family.samples.text().len();
        }
        for (name, slot) in group.iter().flat_map(|group| &group.families) {
            if (replace && !own_metrics::is_of_group(name)) || rendered.families.contains_key(name)
            {
                let member = self.families.get(name).and_then(|family| family.member(*slot));
                series -= member.map_or(0, |member| member.samples().len());
                bytes -= member.map_or(0, |member| member.samples().text().len());
            }
        }
        if series > limits.series_max {
            return Err(Refusal::Full { limit: limits.series_max, what: "series" });
        }
        if bytes > limits.bytes_max {
            return Err(Refusal::Full { limit: limits.bytes_max, what: "bytes of samples" });
        }
        Ok(())
    }
}

/// A push, and the store that it is to go into.
struct Push<'a> {
    store: &'a Store,
    /// The group as it is, unless it is new.
    group: Option<&'a Group>,
    rendered: &'a Rendered,
    replace: bool,
}

impl Push<'_> {
    fn check_family(&self, name: &str, pushed: &RenderedFamily) -> Result<(), Inconsistency> {
        if let Some(own) = own_metrics::type_of(name)
            && own != pushed.metric_type
        {
            return Err(Inconsistency::OwnType {
                family: name.to_owned(),
                existing: upper_case(own),
                pushed: upper_case(pushed.metric_type),
            });
        }
        self.check_suffix(name)?;
        self.check_samples_names(name, pushed.metric_type)?;
        let Some(family) = self.store.families.get(name) else { return Ok(()) };
        let slot = self.slot(name);
        if !family.has_other(slot) {
            return Ok(());
        }
        if family.metric_type() != pushed.metric_type {
            return Err(Inconsistency::TypeClash {
                family: name.to_owned(),
                existing: upper_case(family.metric_type()),
                pushed: upper_case(pushed.metric_type),
            });
        }
        match pushed.samples.metrics().find(|metric| family.has_series(metric, slot)) {
            Some(metric) => Err(Inconsistency::Duplicate {
                family: name.to_owned(),
                labels: String::from_utf8_lossy(metric.labels).into_owned(),
            }),
            None => Ok(()),
        }
    }

    /// Where in a family the group's part is.
    fn slot(&self, name: &str) -> Option<Slot> {
        self.group?.families.get(name).copied()
    }

    /// A family must not be named as a sample of a histogram or summary.
    fn check_suffix(&self, name: &str) -> Result<(), Inconsistency> {
        for suffix in ["_bucket", "_count", "_sum"] {
            let Some(base) = name.strip_suffix(suffix) else { continue };
            let what = match self.type_after(base) {
                Some(MetricType::Histogram) => "histogram",
                Some(MetricType::Summary) if suffix != "_bucket" => "summary",
                _ => continue,
            };
            let (family, other) = (name.to_owned(), base.to_owned());
            return Err(Inconsistency::Suffix { family, what, other });
        }
        Ok(())
    }

    /// No family must be named as a sample of this one.
    fn check_samples_names(
        &self,
        name: &str,
        metric_type: MetricType,
    ) -> Result<(), Inconsistency> {
        let suffixes: &[&str] = match metric_type {
            MetricType::Histogram => &["_bucket", "_count", "_sum"],
            MetricType::Summary => &["_count", "_sum"],
            _ => &[],
        };
        for suffix in suffixes {
            let other = format!("{name}{suffix}");
            if self.type_after(&other).is_some() {
                let what = "metric";
                return Err(Inconsistency::Suffix { family: name.to_owned(), what, other });
            }
        }
        Ok(())
    }

    /// The type that a family will have when the push is stored; none if there will be no such family.
    fn type_after(&self, name: &str) -> Option<MetricType> {
        if let Some(pushed) = self.rendered.families.get(name) {
            return Some(pushed.metric_type);
        }
        let stays = |family: &&Family| !self.replace || family.has_other(self.slot(name));
        let stored = self.store.families.get(name).filter(stays);
        stored.map(Family::metric_type).or_else(|| own_metrics::type_of(name))
    }
}

fn upper_case(metric_type: MetricType) -> String {
    metric_type.as_str().to_ascii_uppercase()
}
