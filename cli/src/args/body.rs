//! Metrics from files or stdin: part of the commands that read them.

use clap::{Args, ValueEnum};

/// The format of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum FormatArg {
    /// OpenMetrics if the last line is `# EOF`, text otherwise
    Auto,
    /// Prometheus text 0.0.4
    Text,
    /// OpenMetrics 1.0, as newer client libraries print it
    Openmetrics,
}

#[derive(Debug, Args)]
pub(crate) struct BodyArgs {
    /// Files to read; `-` or nothing means stdin
    ///
    /// Several files are taken as one body. A metric family may be in one of them only.
    #[arg(value_name = "FILE")]
    pub(crate) files: Vec<String>,

    /// Format of the input
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = FormatArg::Auto)]
    pub(crate) format: FormatArg,

    /// Most bytes that are read, of all files together
    #[arg(long, value_name = "BYTES", default_value_t = INPUT_BYTES_MAX)]
    pub(crate) input_bytes_max: usize,
}

/// Most bytes of input that are read unless told otherwise: 256 MiB.
pub(crate) const INPUT_BYTES_MAX: usize = 256 * 1024 * 1024;
