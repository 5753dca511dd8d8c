//! The graph of a crate's files, and the circles in it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt::Write as _;
use std::path::PathBuf;

/// The number of names of an arrow that are printed.
const NAMES_SHOWN: usize = 8;

/// The files that each file needs, and the names that it takes from them. An index identifies each file.
#[derive(Debug)]
pub(super) struct Graph {
    files: Vec<PathBuf>,
    arrows: BTreeMap<usize, BTreeMap<usize, BTreeSet<String>>>,
}

/// The files of a circle, in order. Each file needs the next one, and the last file needs the first.
pub(super) type Circle = Vec<usize>;

impl Graph {
    pub(super) fn new(files: Vec<PathBuf>) -> Self {
        Self { files, arrows: BTreeMap::new() }
    }

    /// Records that the file `from` takes a name of the file `to`.
    pub(super) fn add(&mut self, from: usize, to: usize, name: String) {
        if from != to {
            self.arrows.entry(from).or_default().entry(to).or_default().insert(name);
        }
    }

    /// The arrows, as pairs of indexes.
    pub(super) fn arrows(&self) -> Vec<(usize, usize)> {
        let arrows = self.arrows.iter();
        arrows.flat_map(|(from, targets)| targets.keys().map(|to| (*from, *to))).collect()
    }

    /// The shortest circle through each arrow that lies on a circle. Short circles come first, and no circle comes
    /// twice.
    pub(super) fn circles(&self) -> Vec<Circle> {
        let circles = self.arrows().into_iter().filter_map(|(from, to)| {
            // The way back, and the arrow itself.
            let back = self.shortest(to, from)?;
            Some(turned(back))
        });
        let circles: BTreeSet<Circle> = circles.collect();
        let mut circles: Vec<Circle> = circles.into_iter().collect();
        circles.sort_by_key(Vec::len);
        circles
    }

    /// `a.rs → b.rs → a.rs`.
    pub(super) fn line(&self, circle: &Circle) -> String {
        let files = circle.iter().chain(circle.first()).map(|file| self.file(*file));
        files.collect::<Vec<_>>().join(" → ")
    }

    /// A text with one line per circle, followed by the arrows of all circles and the names that make each arrow.
    pub(super) fn describe(&self, circles: &[Circle]) -> String {
        let mut text = String::new();
        let mut arrows = BTreeSet::new();
        for circle in circles {
            writeln!(text, "  {}", self.line(circle)).ok(); // a `String` takes it all
            arrows.extend(circle.iter().copied().zip(circle.iter().copied().cycle().skip(1)));
        }
        for (from, to) in arrows {
            let names = self.arrows.get(&from).and_then(|targets| targets.get(&to));
            let names: Vec<&str> = names.into_iter().flatten().map(String::as_str).collect();
            let more = names.len().saturating_sub(NAMES_SHOWN);
            let shown: Vec<&str> = names.into_iter().take(NAMES_SHOWN).collect();
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            let line = format!("{} takes from {}", self.file(from), self.file(to));
            writeln!(text, "    {line}: {}{more}", shown.join(", ")).ok();
        }
        text
    }

    fn file(&self, file: usize) -> String {
        self.files.get(file).map(|path| path.display().to_string()).unwrap_or_default()
    }

    /// The shortest path along the arrows, with both ends.
    fn shortest(&self, from: usize, to: usize) -> Option<Vec<usize>> {
        let mut came_from = BTreeMap::from([(from, from)]);
        let mut queue = VecDeque::from([from]);
        while let Some(file) = queue.pop_front() {
            if file == to {
                return Some(way(&came_from, from, to));
            }
            for next in self.arrows.get(&file).into_iter().flat_map(BTreeMap::keys) {
                if !came_from.contains_key(next) {
                    came_from.insert(*next, file);
                    queue.push_back(*next);
                }
            }
        }
        None
    }
}

fn way(came_from: &BTreeMap<usize, usize>, from: usize, to: usize) -> Vec<usize> {
    let mut way = vec![to];
    let mut file = to;
    while file != from {
        let Some(before) = came_from.get(&file) else { break };
        file = *before;
        way.push(file);
    }
    way.reverse();
    way
}

/// Rotates a circle so that it begins at its smallest index. So equal circles have equal lists.
fn turned(mut circle: Circle) -> Circle {
    let smallest = circle.iter().enumerate().min_by_key(|(_, file)| **file);
    if let Some((place, _)) = smallest {
        circle.rotate_left(place);
    }
    circle
}
