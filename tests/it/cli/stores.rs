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
    assert!(done.out.contains("Imported: 4 added, 0 changed, 0 unchanged."), "{}{}", done.out, done.err);
    assert!(!done.err.contains('['), "no bar in a log: {}", done.err);
    let again = import(&desk, "good.csv", &["--apply"]);
    assert!(again.out.contains("Imported: 0 added, 0 changed, 4 unchanged."), "{}{}", again.out, again.err);
    assert!(again.out.ends_with("The directory says already what the file says.\n"), "{}", again.out);
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
fn rows_without_a_position_are_named_and_keep_nothing_else_out() {
    let desk = Desk::new();
    let ran = import(&desk, "licences.csv", &["--apply"]);
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    assert!(ran.err.contains("licences.csv:3: left out: lat ") && ran.err.contains(" has no position"), "{}", ran.err);
    assert!(ran.out.contains("left out 1 (named above)") && ran.out.contains("Imported: 1 added"), "{}", ran.out);
}

#[test]
fn an_extract_of_openstreetmap_is_imported_by_kind_of_shop() {
    let desk = Desk::new();
    let some = import(&desk, "town.osm.pbf", &["--apply", "--shop", "supermarket,convenience"]);
    assert!(some.out.contains("Imported: 3 added"), "{}{}", some.out, some.err);
    let all = import(&desk, "town.osm.pbf", &["--apply"]);
    assert!(all.out.contains("Imported: 1 added, 0 changed, 3 unchanged."), "{}{}", all.out, all.err);
    assert!(all.err.contains("osm:node/3 has no name."), "{}", all.err);
    assert_eq!(import(&desk, "good.csv", &["--shop", "bakery"]).code, Some(1));
}

#[test]
fn stores_that_stand_twice_are_listed_and_merged() {
    let desk = Desk::new();
    let file = desk.data.join("twice.csv");
    let text = "id,name,street,lat,lon\n1,Chez Paul,Rue Neuve 7,46.5,6.6\n2,CHEZ PAUL,rue neuve 7,46.5003,6.6\n";
    let packed = {
        use std::io::Write as _;
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packer.write_all(text.as_bytes()).unwrap();
        packer.finish().unwrap()
    };
    let path = format!("{}.gz", file.to_str().unwrap());
    std::fs::write(&path, packed).unwrap();
    let ran = desk.run(&["stores", "import", &path, "--apply", "--country", "CH", "--time-zone", "Europe/Zurich"]);
    assert!(ran.out.contains("Imported: 2 added"), "{}{}", ran.out, ran.err);
    let listed = desk.run(&["stores", "duplicates"]);
    assert!(listed.out.contains("33 m") && listed.out.contains("1 probable pairs, 1 shown."), "{}", listed.out);
    let pairs: serde_json::Value = serde_json::from_str(&desk.run(&["stores", "duplicates", "--json"]).out).unwrap();
    let id = |side: &str| pairs[0][side]["id"].as_str().unwrap().to_owned();
    let merged = desk.run(&["stores", "merge", &id("second"), "--into", &id("first")]);
    assert!(merged.out.starts_with("Merged sto_"), "{}{}", merged.out, merged.err);
    let again = desk.run(&["stores", "merge", &id("second"), "--into", &id("first")]);
    assert_eq!(again.code, Some(1), "{}", again.out);
    assert!(desk.run(&["stores", "duplicates"]).out.contains("0 probable pairs"));
    assert_eq!(desk.run(&["verify"]).code, Some(0));
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
