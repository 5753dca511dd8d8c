//! The input: flags of the commands that read metrics from files or stdin.

use clap::{Args, ValueEnum};

/// The format of the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum FormatArg {
    /// OpenMetrics if the last line is `# EOF`, else text
    Auto,
    /// Prometheus text format 0.0.4
    Text,
    /// OpenMetrics 1.0, which newer client libraries print
    Openmetrics,
}

#[derive(Debug, Args)]
pub(crate) struct BodyArgs {
    /// Files to read; without a file, or with `-`, stdin
    ///
    /// The metrics of several files are pushed or checked together. A metric family must not be
    /// in two files.
    #[arg(value_name = "FILE")]
    pub(crate) files: Vec<String>,

    /// Format of the input
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = FormatArg::Auto)]
    pub(crate) format: FormatArg,

    /// Maximum size of the input in bytes, all files together
    #[arg(long, value_name = "BYTES", default_value_t = INPUT_BYTES_MAX)]
    pub(crate) input_bytes_max: usize,
}

/// Default limit to the size of the input: 256 MiB.
pub(crate) const INPUT_BYTES_MAX: usize = 256 * 1024 * 1024;
