//! `fieldproof stores import`: shown first, written on request, and nothing of a file with errors.

use super::{Desk, Ran, fixture};

fn import(desk: &Desk, file: &str, more: &[&str]) -> Ran {
    let path = fixture("stores").join(file);
    let mut args = vec!["stores", "import", path.to_str().unwrap(), "--country", "CH", "--time-zone", "Europe/Zurich"];
    args.extend(more);
    desk.run(&args)
}

#[test]
fn a_dry_run_writes_nothing_and_a_second_import_changes_nothing() {
    let desk = Desk::new();
    for _ in 0..2 {
        let shown = import(&desk, "good.csv", &[]);
        assert_eq!(shown.code, Some(0), "{}{}", shown.out, shown.err);
        assert!(shown.out.contains("Nothing was written") && shown.out.contains("Coop Pontaise"), "{}", shown.out);
    }
    let done = import(&desk, "good.csv", &["--apply"]);
    assert!(done.out.contains("Imported: 4 added, 0 changed."), "{}{}", done.out, done.err);
    let again = import(&desk, "good.csv", &["--apply"]);
    assert!(again.out.contains("Imported: 0 added, 0 changed."), "{}{}", again.out, again.err);
    assert_eq!(desk.run(&["verify"]).code, Some(0));
}

#[test]
fn errors_name_the_file_the_line_and_the_column_and_nothing_is_imported() {
    let desk = Desk::new();
    let ran = import(&desk, "mixed.csv", &["--apply"]);
    assert_eq!(ran.code, Some(1));
    for line in [3, 5, 6, 9, 10] {
        assert!(ran.err.contains(&format!("mixed.csv:{line}: ")), "line {line}: {}", ran.err);
    }
    assert!(ran.err.contains("Nothing was imported"), "{}", ran.err);
    let shown = import(&desk, "good.csv", &["--apply"]);
    assert!(shown.out.contains("Imported: 4 added"), "nothing of the other file is there: {}", shown.out);
}

#[test]
fn what_the_options_take_is_told() {
    let desk = Desk::new();
    let path = fixture("stores/good.csv");
    let file = path.to_str().unwrap();
    let country = desk.run(&["stores", "import", file, "--country", "Switzerland", "--time-zone", "Europe/Zurich"]);
    assert_eq!((country.code, country.err.as_str()), (Some(1), "--country takes two capital letters such as CH.\n"));
    let zone = desk.run(&["stores", "import", file, "--country", "CH", "--time-zone", "Lausanne"]);
    assert_eq!(zone.code, Some(1));
    assert!(zone.err.contains("Europe/Zurich"), "an example helps: {}", zone.err);
    assert_eq!(desk.run(&["stores", "import", file]).code, Some(2), "both are asked for");
}
