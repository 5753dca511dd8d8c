//! Deletion of groups that have expired.

use std::time::{Duration, Instant, SystemTime};

use crate::client::expiry::Expiry;
use crate::client::gateway::Gateway;
use crate::client::group_selector::GroupSelector;
use crate::error::PushError;
use crate::exchange::group_list::{Group, Inventory};

/// A list that took less time than this is read again before each deletion. A list that took longer
/// counts as current for as long as it took: reading the list of ten thousand groups takes seconds, and
/// thousands of them may have to go.
const READ_AGAIN_BELOW: Duration = Duration::from_millis(100);

/// The choice of the groups that [`Gateway::gc`] deletes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct GcOptions {
    /// The groups to look at. Default: all groups.
    pub selector: GroupSelector,
    /// The largest age of a group that does not say how long it is good for. Default: no limit, so that
    /// such a group is kept.
    pub older_than: Option<Duration>,
    /// Whether nothing is deleted, and the report tells what would be. Default: `false`.
    pub dry_run: bool,
}

prompush_core::config_setters! {
    GcOptions {
        selector: GroupSelector,
        older_than: Option<Duration>,
        dry_run: bool,
    }
}

/// A group that has expired.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExpiredGroup {
    /// The group.
    pub group: Group,
    /// Why the group has expired.
    pub expiry: Expiry,
}

/// An event during [`Gateway::gc`].
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum GcEvent<'a> {
    /// The gateway does not tell the time, so ages are measured by the clock of this machine.
    LocalClock,
    /// The group was deleted, or would be without `dry_run`.
    Deleted(&'a ExpiredGroup),
    /// The group could not be deleted.
    Failed(&'a Group, &'a PushError),
}

/// The result of [`Gateway::gc`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct GcReport {
    /// The time that ages were measured at.
    pub now: SystemTime,
    /// The groups that were deleted, or would be without `dry_run`.
    pub deleted: Vec<ExpiredGroup>,
    /// The groups that could not be deleted, and why.
    pub failed: Vec<(Group, PushError)>,
    /// The number of groups that have not expired yet.
    pub not_due: usize,
    /// The number of groups that say that they are good for ever.
    pub for_ever: usize,
    /// The number of groups without a lifetime and without a limit.
    pub unlimited: usize,
    /// The number of expired groups that were pushed again before they could be deleted.
    pub pushed_again: usize,
    /// The number of expired groups that another client has deleted meanwhile.
    pub gone: usize,
}

/// The groups at one moment.
struct Listing {
    inventory: Inventory,
    now: SystemTime,
    read_at: Instant,
    took: Duration,
}

impl Gateway {
    /// Deletes the groups that have expired: past the time that they say they are good for
    /// (`push_ttl_seconds`), or older than a limit.
    ///
    /// A stock Pushgateway never deletes a group by itself. Ages are measured by the gateway's clock. The
    /// groups are listed again just before each deletion, and each deletion is one attempt. A group that is
    /// pushed in the moment between is deleted all the same, because a stock gateway has no conditional
    /// deletion.
    ///
    /// `on_event` is called at each event; its error ends the call.
    ///
    /// ```no_run
    /// use std::time::Duration;
    /// use prompush::{Gateway, GcOptions, PushError};
    ///
    /// let options = GcOptions::default().older_than(Some(Duration::from_hours(24)));
    /// let gateway = Gateway::new("http://localhost:9091")?;
    /// let report = gateway.gc(&options, |_| Ok::<(), PushError>(()))?;
    /// println!("{} groups deleted", report.deleted.len());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`PushError`] when the groups cannot be listed; the error of `on_event`. A group that cannot be
    /// deleted is in the report.
    pub fn gc<E: From<PushError>>(
        &self,
        options: &GcOptions,
        mut on_event: impl FnMut(GcEvent<'_>) -> Result<(), E>,
    ) -> Result<GcReport, E> {
        let mut listing = self.listing()?;
        if listing.inventory.now.is_none() {
            on_event(GcEvent::LocalClock)?;
        }
        let mut report = GcReport::new(listing.now);
        let groups = listing.inventory.groups.clone();
        for group in groups.iter().filter(|group| options.selector.matches(&group.labels)) {
            match group.expiry(listing.now, options.older_than) {
                Expiry::ForEver => report.for_ever += 1,
                Expiry::Unlimited => report.unlimited += 1,
                Expiry::NotDue => report.not_due += 1,
                expiry if options.dry_run => {
                    let expired = ExpiredGroup { group: group.clone(), expiry };
                    on_event(GcEvent::Deleted(&expired))?;
                    report.deleted.push(expired);
                }
                _ => self.collect(group, options, &mut listing, &mut report, &mut on_event)?,
            }
        }
        Ok(report)
    }

    /// Deletes a group if it is still there and still expired.
    fn collect<E: From<PushError>>(
        &self,
        group: &Group,
        options: &GcOptions,
        listing: &mut Listing,
        report: &mut GcReport,
        on_event: &mut impl FnMut(GcEvent<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        if !self.is_current(listing) {
            *listing = self.listing()?;
        }
        let groups = &listing.inventory.groups;
        let Some(group) = groups.iter().find(|other| other.labels == group.labels) else {
            report.gone += 1;
            return Ok(());
        };
        let expiry = group.expiry(listing.now, options.older_than);
        if !expiry.is_due() {
            report.pushed_again += 1;
            return Ok(());
        }
        match self.delete_group_once(group) {
            Ok(()) => {
                let expired = ExpiredGroup { group: group.clone(), expiry };
                on_event(GcEvent::Deleted(&expired))?;
                report.deleted.push(expired);
            }
            Err(error) => {
                on_event(GcEvent::Failed(group, &error))?;
                report.failed.push((group.clone(), error));
            }
        }
        Ok(())
    }

    fn listing(&self) -> Result<Listing, PushError> {
        let clock = self.clock();
        let start = clock.now();
        let inventory = self.inventory()?;
        let read_at = clock.now();
        let now = inventory.now.unwrap_or_else(|| clock.wall());
        Ok(Listing { inventory, now, read_at, took: read_at.saturating_duration_since(start) })
    }

    /// Whether a listing counts as current, so that it is not read again.
    fn is_current(&self, listing: &Listing) -> bool {
        let age = self.clock().now().saturating_duration_since(listing.read_at);
        listing.took >= READ_AGAIN_BELOW && age <= listing.took
    }
}

impl GcReport {
    fn new(now: SystemTime) -> Self {
        Self {
            now,
            deleted: Vec::new(),
            failed: Vec::new(),
            not_due: 0,
            for_ever: 0,
            unlimited: 0,
            pushed_again: 0,
            gone: 0,
        }
    }
}
