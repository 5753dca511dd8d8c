//! The routes that change a group: push, add and delete.

use std::time::Duration;

use prompush_core::PathError;
use prompush_http_server::{Request, Response};

use crate::error::{Inconsistency, PushBodyError, PushRefusal, StoreError};
use crate::log_text::escape_control_characters;
use crate::routes::body;
use crate::routes::path::group_labels;
use crate::state::GatewayState;

/// Stores the body of a PUT (`replace`) or POST.
pub(crate) fn push(state: &GatewayState, request: &Request, replace: bool) -> Response {
    let started = state.now();
    let response = match try_push(state, request, replace) {
        Ok(()) if state.config.disable_consistency_check => Response::empty(202),
        Ok(()) => Response::empty(200),
        Err(error) => error_response(&error),
    };
    let duration = state.now().monotonic.saturating_sub(started.monotonic);
    state.own_metrics.observe_push(request.method(), duration, request.body().len());
    response
}

fn try_push(state: &GatewayState, request: &Request, replace: bool) -> Result<(), PushRefusal> {
    let labels = match group_labels(request.path()) {
        // Upstream, too, parses the body before it refuses a label value that is not UTF-8.
        Err(PathError::NotUtf8(_)) => None,
        labels => Some(labels.map_err(PushRefusal::Path)?),
    };
    let encoding = request.header("Content-Encoding");
    let body = body::decompress(request.body(), encoding, state.config.decompressed_bytes_max)?;
    let exposition = body::parse(&body, request.header("Content-Type"))?;
    let labels = labels.ok_or(StoreError::Inconsistent(Inconsistency::NotUtf8))?;
    // Rendering is most of the work, so it is done before the store is locked.
    let rendered = state.renderer.render(&exposition, &labels);
    let mut store = state.store.lock();
    let now = state.now();
    store.expire(now);
    let stored = rendered.and_then(|rendered| store.push(&labels, rendered, replace, now));
    stored.map_err(|error| {
        store.record_failure(&labels, now);
        let reason = escape_control_characters(&error.to_string());
        log::warn!("push to {} refused: {reason}", labels.to_log_text());
        error.into()
    })
}

fn error_response(error: &PushRefusal) -> Response {
    /// Time after which a client may try again when the store is full.
    const RETRY_AFTER: Duration = Duration::from_secs(30);
    let status = match error {
        PushRefusal::Body(PushBodyError::TooLarge(_)) => 413,
        PushRefusal::Store(StoreError::Full { .. }) => 503,
        PushRefusal::Path(_) | PushRefusal::Body(_) | PushRefusal::Store(_) => 400,
    };
    let response = Response::error(status, &error.to_string());
    match status {
        503 => response.header("Retry-After", RETRY_AFTER.as_secs().to_string()),
        _ => response,
    }
}

/// Deletes the group of the path, if it exists.
pub(crate) fn delete(state: &GatewayState, request: &Request) -> Response {
    match group_labels(request.path()) {
        Ok(labels) => {
            state.store.lock().delete(&labels);
            Response::empty(202)
        }
        // No group has a label value that is not UTF-8, so there is nothing to delete.
        Err(PathError::NotUtf8(_)) => Response::empty(202),
        Err(error) => Response::error(400, &error.to_string()),
    }
}
