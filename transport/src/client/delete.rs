//! Deletion of groups that are selected by their labels.

use std::path::PathBuf;
use std::time::Instant;

use crate::client::gateway::Gateway;
use crate::client::group_selector::GroupSelector;
use crate::error::{PushError, PushErrorKind};
use crate::exchange::group_list::Group;
use crate::group_key::AnyGroupingKey;

/// The result of a deletion.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum DeleteOutcome {
    /// These groups were deleted, or would be by a call without `dry_run`.
    Deleted(Vec<Group>),
    /// No group on the gateway is selected. The gateway holds these groups.
    NoMatch(Vec<Group>),
    /// The gateway does not list its groups, and has acknowledged the deletion. Whether it held the group
    /// is unknown.
    DeletedUnseen,
    /// The gateway was not reached in time, and the deletion is in the [spool](Gateway::spool).
    Spooled {
        /// Why the groups could not be listed.
        error: PushError,
        /// The directory of the spool.
        dir: PathBuf,
    },
}

impl Gateway {
    /// Deletes every group that `selector` selects.
    ///
    /// A gateway does not support wildcards. So this call lists the groups, and deletes each selected
    /// group by its whole key. `on_group` is called after each deletion; its error ends the call. With `dry_run`
    /// nothing is deleted. The whole call takes at most
    /// [`total_timeout`](crate::GatewayConfig#structfield.total_timeout).
    ///
    /// ```no_run
    /// use prompush::{Gateway, GroupSelector, PushError};
    ///
    /// let selector = GroupSelector::default().label("job", "gptme-*");
    /// let gateway = Gateway::new("http://localhost:9091")?;
    /// gateway.delete_matching(&selector, false, |group| {
    ///     println!("deleted {:?}", group.labels);
    ///     Ok::<(), PushError>(())
    /// })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`PushError`] when the groups cannot be listed, or one cannot be deleted; the error of `on_group`.
    /// Groups that were deleted before stay deleted.
    pub fn delete_matching<E: From<PushError>>(
        &self,
        selector: &GroupSelector,
        dry_run: bool,
        on_group: impl FnMut(&Group) -> Result<(), E>,
    ) -> Result<DeleteOutcome, E> {
        let deadline = self.operation_deadline();
        let groups = self.list_until(deadline)?.groups;
        self.delete_listed(
            groups,
            |group| selector.matches(&group.labels),
            deadline,
            dry_run,
            on_group,
        )
    }

    /// Deletes the group with exactly this key, and tells whether it existed.
    ///
    /// The groups are listed first. When the list is not available, because a proxy hides it or because a
    /// broken group spoils it, the group is deleted without a look at the list. When the gateway cannot be
    /// reached and a spool is set, the deletion is written to the spool. The parameters are as for
    /// [`delete_matching`](Self::delete_matching).
    ///
    /// # Errors
    ///
    /// As [`delete_matching`](Self::delete_matching).
    pub fn delete_exact<E: From<PushError>>(
        &self,
        key: &AnyGroupingKey,
        dry_run: bool,
        on_group: impl FnMut(&Group) -> Result<(), E>,
    ) -> Result<DeleteOutcome, E> {
        let deadline = self.operation_deadline();
        // Half of the time is left for a deletion without the list.
        let half = if dry_run { deadline } else { self.clock().deadline(self.total_timeout() / 2) };
        let mut listed = self.list_until(half);
        let is_late = |kind: PushErrorKind| kind.is_retryable() && !is_list_unavailable(kind);
        if !dry_run && listed.as_ref().is_err_and(|error| is_late(error.kind())) {
            // Without an answer there is nothing else to do, so the list gets the other half, too.
            listed = self.list_until(deadline);
        }
        match listed {
            Ok(listed) => {
                let is_selected = |group: &Group| group.labels == *key.labels();
                self.delete_listed(listed.groups, is_selected, deadline, dry_run, on_group)
            }
            Err(error) if dry_run => Err(error.into()),
            Err(error) if is_list_unavailable(error.kind()) => {
                self.delete_until(key, deadline)?;
                Ok(DeleteOutcome::DeletedUnseen)
            }
            Err(error) => Ok(self.spool_deletion(key, error)?),
        }
    }

    fn delete_listed<E: From<PushError>>(
        &self,
        groups: Vec<Group>,
        is_selected: impl Fn(&Group) -> bool,
        deadline: Instant,
        dry_run: bool,
        mut on_group: impl FnMut(&Group) -> Result<(), E>,
    ) -> Result<DeleteOutcome, E> {
        let (selected, others): (Vec<Group>, Vec<Group>) =
            groups.into_iter().partition(|group| is_selected(group));
        if selected.is_empty() {
            return Ok(DeleteOutcome::NoMatch(others));
        }
        for group in &selected {
            if !dry_run {
                self.delete_until(&self.key_of(group)?, deadline)?;
            }
            on_group(group)?;
        }
        Ok(DeleteOutcome::Deleted(selected))
    }

    /// Writes a deletion to the spool, if there is one. `error` tells why the groups could not be listed.
    fn spool_deletion(
        &self,
        key: &AnyGroupingKey,
        error: PushError,
    ) -> Result<DeleteOutcome, PushError> {
        let Some(dir) = self.spool_dir() else { return Err(error) };
        let dir = dir.to_owned();
        // The time is over, so this makes one attempt at most, and spools the deletion when it fails.
        match self.delete_until(key, self.clock().now()) {
            Err(error) if error.spooled_in().is_none() => Err(error),
            _ => Ok(DeleteOutcome::Spooled { error, dir }),
        }
    }
}

/// Whether an error means that the gateway works and only its list is not available: a proxy may hide the
/// list, and one group with metrics that cannot be shown spoils it on stock gateways.
fn is_list_unavailable(kind: PushErrorKind) -> bool {
    !kind.is_retryable() || matches!(kind, PushErrorKind::Unavailable(500) | PushErrorKind::Dropped)
}
