//! The directory of stores: files that come again, stores that stand there twice, and pins that check-ins correct.

use fieldproof::domain::refusal::Code;
use fieldproof::domain::store::Zone;
use fieldproof::domain::store_import::{Defaults, StoreRow, diff, parse_csv, parse_geojson};
use fieldproof::domain::user::StaffRole;
use fieldproof::ops::store_import::{self, Imported};
use serde_json::{Value, json};

use crate::support::visit::{Mission, Plan, Visit, campaign};
use crate::support::world::{Person, World, both};

fn defaults() -> Defaults {
    Defaults { source: "acme".to_owned(), country: "CH".to_owned(), time_zone: Zone::parse("Europe/Zurich").unwrap() }
}

fn rows(lines: &[&str]) -> Vec<StoreRow> {
    let text = format!("source_id,name,lat,lon\n{}\n", lines.join("\n"));
    let parsed = parse_csv(text.as_bytes(), &defaults());
    assert_eq!((parsed.errors.len(), parsed.left_out.len()), (0, 0), "{parsed:?}");
    parsed.rows
}

fn import(world: &World, rows: &[StoreRow]) -> Imported {
    let directory = store_import::directory(&world.cx(), rows).unwrap();
    store_import::apply(&world.cx(), &directory, &diff(&directory.known, rows), |_| ()).unwrap()
}

fn imported(added: usize, changed: usize) -> Imported {
    Imported { added, changed }
}

/// The store of this name as a brand finds it.
async fn found(owner: &Person<'_>, name: &str) -> Option<Value> {
    let path = format!("/v1/brand/stores?q={}", name.replace(' ', "%20"));
    owner.get(&path).await.ok()["items"].as_array().unwrap().iter().find(|store| store["name"] == name).cloned()
}

async fn id_of(owner: &Person<'_>, name: &str) -> String {
    found(owner, name).await.unwrap_or_else(|| panic!("no store {name}"))["id"].as_str().unwrap().to_owned()
}

/// A brand with money.
async fn brand<'w>(world: &'w World, name: &str) -> Person<'w> {
    let owner = world.brand(name).await;
    let brand = owner.get("/v1/me").await.ok()["brand_id"].as_str().unwrap().to_owned();
    world.fund(&brand, 1_000_000).await;
    owner
}

async fn drafted(owner: &Person<'_>, plan: &Plan, store: &str) -> String {
    let asked = campaign(plan, &[&store.to_owned()], owner.world.now());
    owner.post("/v1/brand/campaigns", asked).await.created()["id"].as_str().unwrap().to_owned()
}

/// A campaign at one store of the directory.
async fn published(owner: &Person<'_>, plan: &Plan, store: &str) -> (String, Mission) {
    let campaign = drafted(owner, plan, store).await;
    owner.post(&format!("/v1/brand/campaigns/{campaign}/publish"), json!({})).await.ok();
    let listed = owner.get(&format!("/v1/brand/campaigns/{campaign}/missions")).await.ok();
    let id = listed["items"][0]["id"].as_str().unwrap().to_owned();
    let all = owner.get("/v1/brand/stores?limit=100").await.ok();
    let row = all["items"].as_array().unwrap().iter().find(|row| row["id"] == store).unwrap().clone();
    let point = (row["lat"].as_f64().unwrap(), row["lon"].as_f64().unwrap());
    (campaign, Mission { id, store: store.to_owned(), point })
}

/// Somebody with a reservation checks in there.
async fn seen_at(worker: &Person<'_>, mission: &Mission, point: (f64, f64)) -> Value {
    let visit = Visit::reserved(worker, mission).await;
    worker.world.advance_secs(60);
    worker.check_in(&visit.reservation, point).await.ok()
}

async fn corrections(admin: &Person<'_>, state: &str) -> Vec<Value> {
    let path = format!("/v1/admin/store-corrections?state={state}");
    admin.get(&path).await.ok()["items"].as_array().unwrap().clone()
}

both! {
    async fn a_file_of_some_thousand_rows_comes_in_and_comes_again(world) {
        let line = |n: usize| format!("s{n},Shop {n},{:.5},{:.5}", 46.0 + n as f64 / 1e4, 6.5);
        let lines: Vec<String> = (0..4100).map(line).collect();
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let mut all = rows(&lines);
        let done = std::cell::RefCell::new(Vec::new());
        let empty = store_import::directory(&world.cx(), &all).unwrap();
        let plan = diff(&empty.known, &all);
        let first = store_import::apply(&world.cx(), &empty, &plan, |n| done.borrow_mut().push(n)).unwrap();
        assert_eq!((first, done.into_inner()), (imported(4100, 0), vec![2000, 4000, 4100]));
        assert_eq!(import(world, &all), imported(0, 0), "the same file again");
        let twin = store_import::apply(&world.cx(), &empty, &plan, |_| ()).unwrap_err();
        assert_eq!(twin.code(), Some(Code::DuplicateStore), "two at once do not double anything");
        all[7].name = "Corner shop".to_owned();
        all[4099].lat += 0.01;
        all.extend(rows(&["new,New shop,46.5,6.6"]));
        assert_eq!(import(world, &all), imported(1, 2));
        let owner = world.brand("Acme").await;
        assert_eq!(found(&owner, "Corner shop").await.unwrap()["source_id"], "s7");
        assert_eq!(import(world, &all), imported(0, 0));
    }

    async fn a_store_that_moves_takes_its_open_missions_along(world) {
        import(world, &rows(&["s1,Market,46.5,6.6"]));
        let owner = brand(world, "Acme").await;
        let (_, mission) = published(&owner, &Plan::short(), &id_of(&owner, "Market").await).await;
        import(world, &rows(&["s1,Market,46.9,6.9"]));
        let ana = &world.crowd(1)[0];
        let near = ana.near((46.9, 6.9)).await;
        assert_eq!(near[0]["id"], mission.id);
        assert_eq!(near[0]["distance_m"].as_f64().unwrap().round(), 0.0);
    }

    async fn two_that_are_one_are_found_and_merged(world) {
        import(world, &rows(&["a,Chez Paul,46.5000,6.6000", "b,CHEZ PAUL,46.5002,6.6001", "c,Denner,46.5,6.6",
            "d,Migros,46.51,6.61", "e,Migros,46.5101,6.61"]));
        let admin = world.staff(StaffRole::Admin).await;
        let listed = admin.get("/v1/admin/stores/duplicates?limit=1").await;
        assert!(listed.headers["link"].contains("rel=\"next\""));
        let first = listed.ok();
        assert_eq!(first["items"][0]["first"]["name"], "Migros", "the nearer pair comes first: {first}");
        let next = format!("/v1/admin/stores/duplicates?limit=1&cursor={}", first["next"].as_str().unwrap());
        let second = admin.get(&next).await.ok();
        assert_eq!((&second["items"][0]["first"]["source_id"], &second["next"]), (&json!("a"), &Value::Null));

        let owner = brand(world, "Acme").await;
        let (kept, double) = (id_of(&owner, "Chez Paul").await, id_of(&owner, "CHEZ PAUL").await);
        let path = format!("/v1/admin/stores/{double}/merge");
        for wrong in [double.as_str(), "nonsense", "sto_00000000000000000000000000"] {
            let told = admin.post(&path, json!({ "into": wrong })).await.refused(Code::InvalidRequest);
            assert_eq!(told["errors"][0]["pointer"], "/into");
        }
        let own = json!({"name": "Own", "country": "CH", "lat": 46.5, "lon": 6.6, "time_zone": "Europe/Zurich"});
        let own = owner.post("/v1/brand/stores", own).await.created()["id"].as_str().unwrap().to_owned();
        let asked = json!({ "into": kept });
        let of_own = format!("/v1/admin/stores/{own}/merge");
        admin.post(&of_own, asked.clone()).await.refused(Code::NotFound);

        let draft = drafted(&owner, &Plan::short(), &double).await;
        let (running, _) = published(&owner, &Plan::short(), &double).await;
        admin.post(&path, asked.clone()).await.refused(Code::StoreInUse);
        owner.post(&format!("/v1/brand/campaigns/{running}/close"), json!({})).await.ok();
        let done = admin.post_with_key(&path, "merge-paul-1", asked.clone()).await.ok();
        assert_eq!((&done["into"]["id"], &done["drafts"]), (&json!(kept), &json!(1)));
        assert_eq!(admin.post_with_key(&path, "merge-paul-1", asked.clone()).await.ok(), done, "once");
        admin.post(&path, asked).await.refused(Code::WrongState);
        admin.post(&format!("/v1/admin/stores/{kept}/merge"), json!({ "into": double })).await
            .refused(Code::InvalidRequest);

        assert!(found(&owner, "CHEZ PAUL").await.is_none(), "it has left the directory");
        let drafted = owner.get(&format!("/v1/brand/campaigns/{draft}")).await.ok();
        assert_eq!(drafted["store_ids"], json!([kept]));
        let left = admin.get("/v1/admin/stores/duplicates").await.ok();
        assert_eq!(left["items"].as_array().unwrap().len(), 1);
        let audit = admin.get("/v1/admin/audit?limit=100").await.ok().to_string();
        assert!(audit.contains("store.merged"), "{audit}");

        // Its id stands for the kept one; where a file names both, the kept one's own row counts.
        assert_eq!(import(world, &rows(&["b,Chez Paul et fils,46.5000,6.6000"])), imported(0, 1));
        assert_eq!(id_of(&owner, "Chez Paul et fils").await, kept);
        let both = rows(&["a,Chez Paul,46.5000,6.6000", "b,CHEZ PAUL,46.5002,6.6001"]);
        assert_eq!(import(world, &both), imported(0, 1));
        assert_eq!(import(world, &both), imported(0, 0));
        assert_eq!(id_of(&owner, "Chez Paul").await, kept);
    }

    async fn stores_merged_one_after_the_other_stand_for_the_last(world) {
        import(world, &rows(&["a,Alpha,46.5,6.6", "b,Beta,46.5,6.6", "c,Gamma,46.5,6.6"]));
        let (admin, owner) = (world.staff(StaffRole::Admin).await, world.brand("Acme").await);
        let ids = [id_of(&owner, "Alpha").await, id_of(&owner, "Beta").await, id_of(&owner, "Gamma").await];
        admin.post(&format!("/v1/admin/stores/{}/merge", ids[0]), json!({ "into": ids[1] })).await.ok();
        admin.post(&format!("/v1/admin/stores/{}/merge", ids[1]), json!({ "into": ids[2] })).await.ok();
        assert_eq!(import(world, &rows(&["a,Omega,46.5,6.6"])), imported(0, 1));
        assert_eq!(id_of(&owner, "Omega").await, ids[2]);
    }

    async fn three_workers_elsewhere_propose_to_move_the_pin(world) {
        let file = rows(&["s1,Market,46.52,6.63"]);
        import(world, &file);
        let owner = brand(world, "Acme").await;
        let (_, mission) = published(&owner, &Plan::short().slots(9), &id_of(&owner, "Market").await).await;
        let admin = world.staff(StaffRole::Admin).await;
        let crowd = world.crowd(8);
        let there = (46.5230, 6.6300);
        for worker in &crowd[..2] {
            let told = seen_at(worker, &mission, there).await;
            assert_eq!(told["position"]["verdict"], "fail", "told, and not refused");
        }
        assert!(corrections(&admin, "proposed").await.is_empty(), "two are not enough");
        seen_at(&crowd[2], &mission, there).await;
        let waiting = corrections(&admin, "proposed").await;
        assert_eq!(waiting.len(), 1);
        assert_eq!((&waiting[0]["store"]["name"], waiting[0]["check_ins"].as_array().unwrap().len()), (&json!("Market"), 3));
        // A phone stands some metres from where it is said to be.
        assert!((waiting[0]["distance_m"].as_f64().unwrap() - 333.6).abs() < 12.0);
        seen_at(&crowd[3], &mission, there).await;
        assert_eq!(corrections(&admin, "proposed").await.len(), 1, "one at a time");

        // Rejected, the same check-ins propose nothing; three new ones do.
        let decision = |row: &Value| format!("/v1/admin/store-corrections/{}/decision", row["id"].as_str().unwrap());
        let no = json!({ "decision": "reject", "note": "The loading bay." });
        let told = admin.post(&decision(&waiting[0]), no.clone()).await.ok();
        assert_eq!((&told["state"], &told["note"], &told["store"]["lat"]), (&json!("rejected"), &json!("The loading bay."), &json!(46.52)));
        admin.post(&decision(&waiting[0]), no).await.refused(Code::WrongState);
        world.advance_secs(60);
        for worker in &crowd[4..6] {
            seen_at(worker, &mission, there).await;
        }
        assert!(corrections(&admin, "proposed").await.is_empty());
        seen_at(&crowd[6], &mission, there).await;
        let again = corrections(&admin, "proposed").await;

        // A file moves the pin while an admin reads; that proposal was about another pin.
        import(world, &rows(&["s1,Market,46.5201,6.63"]));
        admin.post(&decision(&again[0]), json!({ "decision": "accept" })).await.refused(Code::Stale);
        import(world, &file);
        let moved = admin.post(&decision(&again[0]), json!({ "decision": "accept" })).await.ok();
        let lat = moved["store"]["lat"].as_f64().unwrap();
        assert!((lat - 46.523).abs() < 1e-4 && moved["state"] == "accepted", "{moved}");
        assert_eq!(corrections(&admin, "accepted").await.len(), 1);
        let near = crowd[7].near(there).await;
        assert!(near[0]["distance_m"].as_f64().unwrap() < 12.0, "the mission moved along");
        assert_eq!(seen_at(&crowd[7], &mission, there).await["position"]["verdict"], "pass");
        assert_eq!(import(world, &file), imported(0, 0), "no file moves it back");
    }

    async fn a_phone_inside_the_outline_is_at_the_store(world) {
        // 440 m to the north of its pin, which a file put at the southern edge.
        let hall = r#"{"type": "FeatureCollection", "features": [{"type": "Feature", "id": "way/7",
            "properties": {"name": "Hall", "entrance_lat": 46.5, "entrance_lon": 6.6},
            "geometry": {"type": "Polygon", "coordinates": [[[6.6, 46.5], [6.602, 46.5], [6.602, 46.508],
                [6.6, 46.508], [6.6, 46.5]]]}}]}"#;
        let parsed = parse_geojson(hall.as_bytes(), &defaults());
        assert!(parsed.warnings.is_empty(), "{parsed:?}");
        import(world, &parsed.rows);
        assert_eq!(import(world, &parsed.rows), imported(0, 0));
        let owner = brand(world, "Acme").await;
        let (_, mission) = published(&owner, &Plan::short().slots(3), &id_of(&owner, "Hall").await).await;
        let crowd = world.crowd(3);
        let corner = seen_at(&crowd[0], &mission, (46.5079, 6.6001)).await;
        assert_eq!((&corner["position"]["verdict"], &corner["position"]["distance_min_m"]), (&json!("pass"), &json!(0)));
        let outside = seen_at(&crowd[1], &mission, (46.511, 6.601)).await;
        assert_eq!(outside["position"]["verdict"], "fail", "{outside}");
        let farthest = outside["position"]["distance_max_m"].as_i64().unwrap();
        assert!((345..358).contains(&farthest), "from the edge, not from the pin: {farthest}");
        // A photo of a visit in the far corner is none from far away.
        let mut visit = Visit::reserved(&crowd[2], &Mission { point: (46.5079, 6.6001), ..mission }).await;
        world.advance_secs(600);
        crowd[2].check_in(&visit.reservation, visit.point).await.ok();
        visit.answer_short(7);
        let id = visit.finish("completed").await;
        assert_eq!(crowd[2].submission(&id).await["state"], "approved");
    }

    async fn an_admin_puts_a_store_where_it_is(world) {
        import(world, &parse_geojson(r#"{"type": "FeatureCollection", "features": [{"type": "Feature", "id": "node/8",
            "properties": {"name": "Hall"}, "geometry": {"type": "Point", "coordinates": [6.6, 46.5]}}]}"#.as_bytes(),
            &defaults()).rows);
        let owner = brand(world, "Acme").await;
        let store = id_of(&owner, "Hall").await;
        let (_, mission) = published(&owner, &Plan::short().slots(3), &store).await;
        let admin = world.staff(StaffRole::Admin).await;
        let site = format!("/v1/admin/stores/{store}/site");
        let ring = json!([[6.61, 46.51], [6.612, 46.51], [6.612, 46.513], [6.61, 46.513], [6.61, 46.51]]);
        let placed = json!({ "lat": 46.5101, "lon": 6.6101, "entrance": { "lat": 46.51, "lon": 6.611 },
            "outline": { "type": "Polygon", "coordinates": [ring] } });
        let changed = |change: fn(&mut serde_json::Value)| {
            let mut body = placed.clone();
            change(&mut body);
            body
        };
        for (body, pointer, code) in [
            (changed(|b| b["lat"] = json!(91)), "/lat", "out_of_range"),
            (changed(|b| b["entrance"]["lat"] = json!(46.6)), "/entrance", "entrance_far"),
            (changed(|b| b["outline"]["coordinates"][0][4] = json!([6.6, 46.5])), "/outline", "outline_open"),
            (changed(|b| b["outline"]["type"] = json!("Point")), "/outline", "outline_unreadable"),
        ] {
            let refused = admin.post(&site, body).await.refused(Code::InvalidRequest);
            assert_eq!((&refused["errors"][0]["pointer"], &refused["errors"][0]["code"]), (&json!(pointer), &json!(code)));
        }
        let now = admin.post(&site, placed.clone()).await.ok();
        assert_eq!((&now["entrance"], &now["outline"]), (&placed["entrance"], &placed["outline"]));
        let listed = owner.get("/v1/brand/stores?q=Hall").await.ok();
        assert_eq!(listed["items"][0], now, "as its brand sees it");
        let ana = &world.crowd(1)[0];
        let corner = seen_at(ana, &mission, (46.5129, 6.6119)).await;
        assert_eq!(corner["position"]["distance_min_m"], 0, "inside the outline");
        let pin = admin.post(&site, json!({ "lat": 46.5, "lon": 6.6 })).await.ok();
        assert_eq!((&pin["entrance"], &pin["outline"]), (&json!(null), &json!(null)));
    }
}
