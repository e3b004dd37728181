//! `fieldproof check`: what the server would say about a photo.

use serde_json::Value;

use super::{Desk, fixture};

/// Each fixture and whether it needs a second look: two cannot be read, one was saved by an editor.
const PHOTOS: &[(&str, bool)] = &[
    ("broken_cut_2099.jpg", true),
    ("broken_exif.jpg", false),
    ("broken_no_picture.jpg", true),
    ("landscape_1.jpg", true),
    ("landscape_2.jpg", false),
    ("landscape_3.jpg", false),
    ("landscape_4.jpg", false),
    ("landscape_5.jpg", false),
    ("landscape_6.jpg", false),
    ("landscape_7.jpg", false),
    ("landscape_8.jpg", false),
    ("no_exif.jpg", false),
    ("null_island.jpg", false),
    ("shelf.jpg", false),
];

#[test]
fn every_fixture_is_judged_and_the_list_is_complete() {
    let folder = std::fs::read_dir(fixture("photos")).unwrap();
    let mut there: Vec<String> = folder.map(|e| e.unwrap().file_name().to_string_lossy().into_owned()).collect();
    there.retain(|name| name.ends_with(".jpg"));
    there.sort();
    assert_eq!(there, PHOTOS.iter().map(|(name, _)| *name).collect::<Vec<_>>());

    let desk = Desk::new();
    let mut wrong = Vec::new();
    for (name, doubtful) in PHOTOS {
        let path = fixture("photos").join(name);
        let ran = desk.run(&["check", path.to_str().unwrap()]);
        assert!(ran.out.contains(name), "{}{}", ran.out, ran.err);
        if ran.code != Some(i32::from(*doubtful)) {
            wrong.push(format!("{name}: exit {:?}\n{}{}", ran.code, ran.out, ran.err));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_program_reads_the_judgement_as_json() {
    let desk = Desk::new();
    let (shelf, cut) = (fixture("photos/shelf.jpg"), fixture("photos/broken_cut_2099.jpg"));
    let ran = desk.run(&["check", "--json", shelf.to_str().unwrap(), cut.to_str().unwrap()]);
    assert_eq!(ran.code, Some(1), "one of them needs a second look");
    let told: Value = serde_json::from_str(&ran.out).unwrap();
    assert!(told.to_string().contains("shelf.jpg") && told.to_string().contains("broken_cut_2099.jpg"), "{told}");
}

#[test]
fn a_file_that_is_not_there_is_told_in_one_sentence() {
    let ran = Desk::new().run(&["check", "/nowhere/photo.jpg"]);
    assert_eq!(ran.code, Some(1));
    assert!(ran.err.starts_with("/nowhere/photo.jpg cannot be read") && ran.err.lines().count() == 1, "{}", ran.err);
    assert_eq!(ran.out, "");
}
