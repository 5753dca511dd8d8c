//! The store: all groups with their metric families.
//!
//! The store has no socket, no clock and no lock. It takes rendered pushes with the current time, and accepts or
//! refuses them.
//!
//! A push changes one group, but a scrape shows all groups family by family. So the samples are stored by family: each
//! `StoredFamily` has one part for each group with that family, and a `StoredGroup` only knows where its parts are.
//!
//! Invariants:
//! - The stored families are always a consistent exposition: no series occurs twice, each family has one type, and no
//!   family is named like a sample of another one.
//! - A refused push changes no metric of any group, except the time of the group's last failure.
//! - Each group has the two families with its push times.

pub(crate) mod group_view;
pub(crate) mod limits;
pub(crate) mod metric_store;
pub(crate) mod stored_family;

mod consistency;
mod group;
mod series_index;
