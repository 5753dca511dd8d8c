//! The law of merging against a model of a gateway, and the model against the real ones.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use prompush_core::{Format, GroupingKey, parse};
use prompush_testing::{Pushgateway, Version};
use proptest::prelude::*;

use super::*;
use crate::error::Verb;
use crate::payload::Families;

/// A model of a Pushgateway: the bytes of each family of each group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Model {
    groups: BTreeMap<usize, BTreeMap<Arc<str>, Arc<[u8]>>>,
}

impl Model {
    /// A push without families leaves an empty group. An add creates its group. Deleting a missing group
    /// does nothing.
    fn apply(&mut self, group: usize, operation: &GroupChange) {
        let families = match operation {
            GroupChange::Delete => return drop(self.groups.remove(&group)),
            GroupChange::Push(families) => {
                self.groups.insert(group, BTreeMap::new());
                families
            }
            GroupChange::Add(families) => families,
        };
        self.groups.entry(group).or_default().extend(families.blocks.clone());
    }
}

/// The fate of one request in the network.
#[derive(Clone, Copy, Debug)]
enum Network {
    /// The gateway applies and acknowledges the request, that many times.
    Through { copies: u8 },
    /// The gateway applies the request, and the answer is lost.
    AnswerLost,
    /// The request is lost, and the sender cannot know.
    Lost,
    /// The request is lost, and the sender knows: no connection was made.
    Refused,
    /// The request is stuck in the gateway, which applies it before or after the next one.
    Stuck { after_the_next: bool },
}

/// One event of a scenario.
#[derive(Clone, Debug)]
enum Step {
    Operation(usize, GroupChange),
    /// The sender sends the next request of that group, if there is one.
    Send(usize),
    /// The network decides what happens to the request in flight of that group.
    Respond(usize, Network),
}

const GROUPS: usize = 3;

fn families() -> impl Strategy<Value = Families> {
    let block = (0..4_usize, 0..100_u8);
    prop::collection::vec(block, 0..4).prop_map(|blocks| {
        let block = |(name, value): (usize, u8)| {
            let name = ["a", "b_total", "c", "d"][name];
            let text = format!("# TYPE {name} gauge\n{name} {value}\n");
            (Arc::from(name), Arc::from(text.into_bytes()))
        };
        Families::new(Format::Text, blocks.into_iter().map(block))
    })
}

fn operation() -> impl Strategy<Value = GroupChange> {
    prop_oneof![
        3 => families().prop_map(GroupChange::Push),
        3 => families().prop_map(GroupChange::Add),
        2 => Just(GroupChange::Delete),
    ]
}

fn network() -> impl Strategy<Value = Network> {
    prop_oneof![
        (1..4_u8).prop_map(|copies| Network::Through { copies }),
        Just(Network::AnswerLost),
        Just(Network::Lost),
        Just(Network::Refused),
        any::<bool>().prop_map(|after_the_next| Network::Stuck { after_the_next }),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0..GROUPS, operation()).prop_map(|(group, operation)| Step::Operation(group, operation)),
        (0..GROUPS).prop_map(Step::Send),
        (0..GROUPS, network()).prop_map(|(group, network)| Step::Respond(group, network)),
    ]
}

/// A sender with its network and its gateway.
#[derive(Default)]
struct Scenario {
    groups: [GroupState; GROUPS],
    gateway: Model,
    /// The requests that are stuck in the gateway: those to apply before the next one, and those after.
    stuck: [(VecDeque<GroupChange>, VecDeque<GroupChange>); GROUPS],
    generation: u64,
}

impl Scenario {
    fn step(&mut self, step: Step) {
        match step {
            Step::Operation(group, operation) => {
                self.generation += 1;
                let batch = Batch::new(operation, SystemTime::UNIX_EPOCH, self.generation);
                self.groups[group].add(batch);
            }
            Step::Send(group) => drop(self.groups[group].send().cloned()),
            Step::Respond(group, network) => self.respond(group, network),
        }
    }

    fn respond(&mut self, group: usize, network: Network) {
        let Some(batch) = self.groups[group].in_flight() else { return };
        let change = batch.change.clone();
        match network {
            Network::Through { copies } => {
                for _ in 0..copies {
                    self.apply(group, &change);
                }
                self.groups[group].acknowledged();
            }
            Network::AnswerLost => {
                self.apply(group, &change);
                self.groups[group].failed(Delivery::Unknown);
            }
            Network::Lost => self.groups[group].failed(Delivery::Unknown),
            Network::Refused => self.groups[group].failed(Delivery::NotTaken),
            Network::Stuck { after_the_next } => {
                let (before, after) = &mut self.stuck[group];
                if after_the_next { after } else { before }.push_back(change);
                self.groups[group].failed(Delivery::Unknown);
            }
        }
    }

    fn apply(&mut self, group: usize, change: &GroupChange) {
        let (before, after) = std::mem::take(&mut self.stuck[group]);
        for stuck in &before {
            self.gateway.apply(group, stuck);
        }
        self.gateway.apply(group, change);
        for stuck in &after {
            self.gateway.apply(group, stuck);
        }
    }

    /// Lets everything through from now on. Returns the number of requests until all is acknowledged.
    fn settle(&mut self) -> usize {
        let mut requests = 0;
        for group in 0..GROUPS {
            self.respond(group, Network::Through { copies: 1 });
            while self.groups[group].send().is_some() {
                self.respond(group, Network::Through { copies: 1 });
                requests += 1;
            }
            assert!(self.groups[group].oldest().is_none(), "nothing is left unacknowledged");
        }
        requests
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn the_gateway_ends_as_if_every_change_came_once_in_order(
        steps in prop::collection::vec(step(), 0..60),
    ) {
        let mut in_order = Model::default();
        let mut scenario = Scenario::default();
        for step in steps {
            if let Step::Operation(group, operation) = &step {
                in_order.apply(*group, operation);
            }
            scenario.step(step);
        }
        // One request with the merged changes, and one more to confirm it.
        prop_assert!(scenario.settle() <= 2 * GROUPS);
        prop_assert_eq!(scenario.gateway, in_order);
    }

    #[test]
    fn merging_is_applying_in_order(
        before in prop::option::of(operation()),
        operations in prop::collection::vec(operation(), 1..8),
        split in any::<prop::sample::Index>(),
    ) {
        let mut in_order = Model::default();
        for operation in before.iter().chain(&operations) {
            in_order.apply(0, operation);
        }
        let fold = |operations: &[GroupChange]| {
            operations.iter().cloned().map(Some).fold(None, merged)
        };
        let mut at_once = Model::default();
        for operation in before.iter().chain(&fold(&operations)) {
            at_once.apply(0, operation);
        }
        prop_assert_eq!(&at_once, &in_order);
        // Merging is associative.
        let (left, right) = operations.split_at(split.index(operations.len()));
        prop_assert_eq!(merged(fold(left), fold(right)), fold(&operations));
    }
}

/// The groups of a real gateway, in the form of the model.
fn groups_of(gateway: &Pushgateway) -> Model {
    let mut model = Model::default();
    for group in gateway.groups() {
        let job = group["labels"]["job"].as_str().expect("a job");
        let index = job.parse().expect("the model's own group");
        let mut families = BTreeMap::new();
        for (name, family) in group.as_object().expect("a group is an object") {
            let is_own = name.starts_with("push_") || name == "labels";
            if is_own || name == "last_push_successful" {
                continue;
            }
            let value = family["metrics"][0]["value"].as_str().expect("a gauge");
            let text = format!("# TYPE {name} gauge\n{name} {value}\n");
            families.insert(Arc::from(name.as_str()), Arc::from(text.into_bytes()));
        }
        model.groups.insert(index, families);
    }
    model
}

/// A deletion is answered before it is done: it is looked at again.
#[track_caller]
fn check_holds(gateway: &Pushgateway, model: &Model) {
    let within = std::time::Duration::from_secs(10);
    let what = format!("{gateway:?} holds {model:?}");
    prompush_testing::wait_until(within, &what, || groups_of(gateway) == *model);
}

#[test]
fn the_model_is_what_real_gateways_do() {
    let sequence = prop::collection::vec((0..GROUPS, operation()), 1..12);
    let config = proptest::test_runner::Config { cases: 60, ..Default::default() };
    for gateway in Version::ALL.into_iter().filter_map(Pushgateway::start) {
        let mut runner = proptest::test_runner::TestRunner::new(config.clone());
        let ran = runner.run(&sequence, |operations| {
            let mut model = Model::default();
            for group in 0..GROUPS {
                send_to(&gateway, group, &GroupChange::Delete);
            }
            for (group, operation) in &operations {
                send_to(&gateway, *group, operation);
                model.apply(*group, operation);
            }
            check_holds(&gateway, &model);
            Ok(())
        });
        assert!(ran.is_ok(), "{ran:?}");
    }
}

fn send_to(gateway: &Pushgateway, group: usize, operation: &GroupChange) {
    let path = GroupingKey::new(&group.to_string()).expect("a job").to_path();
    let method = match operation.verb() {
        Verb::Push => "PUT",
        Verb::Add => "POST",
        _ => "DELETE",
    };
    let body = operation.families().map(Families::to_body).unwrap_or_default();
    let answer = gateway.request(method, &path, &[], &body);
    assert!(matches!(answer.status, 200 | 202), "{answer:?}");
}

#[test]
fn families_survive_encoding_and_parsing() {
    let body =
        b"# TYPE a gauge\na 1\n# TYPE h histogram\nh_bucket{le=\"+Inf\"} 1\nh_sum 2\nh_count 1\n";
    let parsed = parse(body, Format::Text).unwrap();
    let families = Families::gather(&parsed, Format::Text).unwrap();
    assert_eq!((families.len(), families.to_body()), (2, body.to_vec()));
    let there = GroupChange::Push(families.clone()).in_format(Format::Protobuf).unwrap();
    assert_eq!(there.families().unwrap().format(), Format::Protobuf);
    assert_eq!(there.in_format(Format::Text).unwrap(), GroupChange::Push(families));
}

#[test]
fn refused_content_is_not_merged_with_later_changes() {
    let post = |name: &str| {
        let block = (Arc::from(name), Arc::from(name.as_bytes()));
        GroupChange::Add(Families::new(Format::Text, [block]))
    };
    let batch = |state, generation| Batch::new(state, SystemTime::UNIX_EPOCH, generation);
    // Refused with something behind it, and refused before it came.
    for late in [false, true] {
        let mut group = GroupState::default();
        group.add(batch(post("a"), 1));
        group.send().unwrap();
        if !late {
            group.add(batch(post("b"), 2));
        }
        group.content_refused();
        if late {
            assert_eq!(group.waiting().unwrap().change, post("a"), "it may be tried again");
            group.add(batch(post("b"), 2));
        }
        assert_eq!(group.send(), Some(&Batch { oldest: 1, ..batch(post("b"), 2) }));
    }
}
