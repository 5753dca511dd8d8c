//! gptme's cardinality rules, its second token counter, and the paths where it shows metrics.

use prompush_otlp::{FamilyAlias, Rules};

/// The rules for gptme's own metrics, in the language of [`Rules::parse`].
pub const RULES_TEXT: &str = include_str!("default.rules");

/// `gptme_tokens_total`: gptme's counter of tokens without the token type `total`, which counts
/// every token a second time. `sum(gptme_tokens_total)` is therefore right.
///
/// gptme has counted tokens under the first source since 0.29, and under the second up to 0.28.
pub const TOKENS: FamilyAlias = FamilyAlias {
    name: "gptme_tokens_total",
    help: "Number of tokens processed, by type, each counted once.",
    sources: &["gptme_tokens_processed_total", "gptme_tokens_processed_tokens_total"],
    without: ("token_type", "total"),
};

/// The paths where gptme up to 0.28 and gptme-server show their metrics.
pub const SCRAPE_PATHS: &[&str] = &["/metrics", "/api/v0/metrics"];

/// The default rules for any program, followed by [`RULES_TEXT`], with the alias [`TOKENS`].
pub fn default_rules() -> Rules {
    let rules = Rules::default().with_text(RULES_TEXT);
    debug_assert!(rules.is_ok(), "a test parses the rules");
    rules.unwrap_or_default().with_alias(TOKENS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_rules_can_be_parsed() {
        assert!(Rules::default().with_text(RULES_TEXT).is_ok());
        assert_eq!(default_rules().samples_max(), 2000);
    }
}
