//! The only list of the libraries.

/// Runs `$body` once for each library, with `$peer` as its type. prompush comes first.
#[macro_export]
macro_rules! for_each_peer {
    ($peer:ident => $body:expr) => {{
        {
            type $peer = $crate::peer::Prompush;
            $body
        }
        {
            type $peer = $crate::peer::PrometheusClient;
            $body
        }
        {
            type $peer = $crate::peer::Tikv;
            $body
        }
        {
            type $peer = $crate::peer::MetricsExporter;
            $body
        }
        {
            type $peer = $crate::peer::Measured;
            $body
        }
    }};
}
