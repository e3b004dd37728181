//! What everybody may read about the automatic checks.

use fieldproof::checks;
use fieldproof::domain::assessment;
use fieldproof::domain::finding::{Code, RULE_VERSION};
use fieldproof::web::routes::ROUTES;
use serde_json::{Value, json};

use crate::support::world::both;

both! {
    async fn every_automatic_check_is_published_and_none_may_refuse(world) {
        let path = "/v1/transparency/automated-systems";
        let reply = world.stranger().get(path).await;
        let all = reply.ok();
        assert_eq!(all["rule_versions"]["findings"], RULE_VERSION);
        let codes: Vec<&str> = all["checks"].as_array().unwrap().iter().map(|c| c["code"].as_str().unwrap()).collect();
        assert_eq!(codes, Code::all().map(Code::as_str).collect::<Vec<_>>());
        for check in all["checks"].as_array().unwrap() {
            let code = Code::parse(check["code"].as_str().unwrap()).unwrap();
            assert_eq!(check["weight"], assessment::weight(code));
            let limits = checks::limits::limits().iter().filter(|limit| limit.code == code).count();
            assert!(check["limits"].as_array().unwrap().len() >= limits, "{check}");
        }
        let blurred = all["checks"].as_array().unwrap().iter().find(|c| c["code"] == "BLURRED").unwrap();
        assert!(blurred["observes"]["nl"].as_str().unwrap().contains("onscherp"), "{blurred}");
        assert_eq!(blurred["limits"].as_array().unwrap().len(), 4);

        for decider in all["decisions"].as_array().unwrap().iter().filter(|d| d["automatic"] == json!(true)) {
            assert_eq!(decider["may"], json!(["approved"]), "a machine approves or asks");
            assert!(decider["may_not"].as_array().unwrap().contains(&json!("rejected")));
        }
        let operations: Vec<&str> = ROUTES.iter().map(|route| route.operation).collect();
        for right in all["rights"].as_array().unwrap() {
            assert!(operations.contains(&right["operation"].as_str().unwrap()), "{right}");
        }
        let hours = |code: &str| -> Value {
            let all = all["deadlines"].as_array().unwrap();
            all.iter().find(|one| one["code"] == code).unwrap()["hours"].clone()
        };
        assert_eq!((hours("silence_default"), hours("silence_at_most")), (json!(120), json!(336)));

        let known = [("if-none-match", reply.headers["etag"].clone())];
        let again = world.stranger().send_bytes("GET", path, &known, None).await;
        assert_eq!((again.status, again.bytes.len()), (304, 0));
    }
}
