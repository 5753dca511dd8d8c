//! Guards the look-up of fixtures: a folder is found by its name, in whichever crate it stands.

use prompush_testing::fixtures;

#[test]
fn a_folder_of_fixtures_is_found_by_its_name() {
    let folder = fixtures("otlp");
    assert!(folder.is_dir() && folder.ends_with("tests/fixtures/otlp"), "{}", folder.display());
}
