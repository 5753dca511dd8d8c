//! The rows of the table.

use prompush_benches::measure::Summary;
use prompush_benches::peer::{Peer as _, Prompush};

/// One measurement of every library.
#[derive(Debug)]
pub(crate) struct Row {
    /// A stable identifier, for programs that read the results.
    pub(crate) id: &'static str,
    /// The name of the row for people.
    pub(crate) title: String,
    pub(crate) unit: &'static str,
    pub(crate) better: Better,
    /// The largest or smallest value that the design allows us.
    pub(crate) target: Option<f64>,
    /// The target as a ratio to the best other library, on the machine where the target was set. A ratio also
    /// holds on a slower or faster machine.
    pub(crate) target_gain: Option<f64>,
    /// The libraries; prompush comes first.
    pub(crate) cells: Vec<Cell>,
    /// The values that no library can beat.
    pub(crate) floors: Vec<Cell>,
    /// A note on how the row was measured, where that differs from the other rows.
    pub(crate) note: &'static str,
}

/// The value of one library in a row.
#[derive(Clone, Debug)]
pub(crate) struct Cell {
    pub(crate) name: &'static str,
    pub(crate) value: Summary,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Better {
    Less,
    More,
}

impl Row {
    pub(crate) fn new(id: &'static str, title: impl Into<String>, unit: &'static str) -> Self {
        Self {
            id,
            title: title.into(),
            unit,
            better: Better::Less,
            target: None,
            target_gain: None,
            cells: Vec::new(),
            floors: Vec::new(),
            note: "",
        }
    }

    /// Adds measurements. A name that begins with `floor: ` is a floor.
    pub(crate) fn with(
        mut self,
        measured: impl IntoIterator<Item = (&'static str, Summary)>,
    ) -> Self {
        for (name, value) in measured {
            let cells =
                if name.starts_with("floor: ") { &mut self.floors } else { &mut self.cells };
            cells.push(Cell { name, value });
        }
        self
    }

    pub(crate) fn target(self, target: f64) -> Self {
        Self { target: Some(target), ..self }
    }

    /// Sets the ratio of the target. `best` is the value of the best other library on the machine where the
    /// target was set.
    pub(crate) fn best_peer_was(self, best: f64) -> Self {
        Self { target_gain: self.target.map(|target| best / target), ..self }
    }

    pub(crate) fn note(self, note: &'static str) -> Self {
        Self { note, ..self }
    }

    pub(crate) fn ours(&self) -> Option<&Cell> {
        self.cell(Prompush::NAME)
    }

    pub(crate) fn cell(&self, name: &str) -> Option<&Cell> {
        self.cells.iter().find(|cell| cell.name == name)
    }

    /// The best of the other libraries.
    pub(crate) fn best_peer(&self) -> Option<&Cell> {
        let others = self.cells.iter().filter(|cell| cell.name != Prompush::NAME);
        let by_median = |a: &&Cell, b: &&Cell| a.value.median.total_cmp(&b.value.median);
        match self.better {
            Better::Less => others.min_by(by_median),
            Better::More => others.max_by(by_median),
        }
    }

    /// How many times better prompush is than the best other library.
    pub(crate) fn gain(&self) -> Option<f64> {
        let (ours, best) = (self.ours()?.value.median, self.best_peer()?.value.median);
        Some(match self.better {
            Better::Less => best / ours,
            Better::More => ours / best,
        })
    }

    /// How many times worse prompush is than the last floor, which is the closest one.
    pub(crate) fn above_floor(&self) -> Option<f64> {
        let (ours, floor) = (self.ours()?.value.median, self.floors.last()?.value.median);
        Some(match self.better {
            Better::Less => ours / floor,
            Better::More => floor / ours,
        })
    }

    pub(crate) fn is_met_as_a_ratio(&self) -> Option<bool> {
        Some(self.gain()? >= self.target_gain?)
    }

    pub(crate) fn is_met(&self) -> Option<bool> {
        let (ours, target) = (self.ours()?.value.median, self.target?);
        Some(match self.better {
            Better::Less => ours <= target,
            Better::More => ours >= target,
        })
    }
}
