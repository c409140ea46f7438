//! Every route of the dashboard: who may ask it, and that what changes something comes from a page of the same session.

use std::path::Path;

use payin_core::access::{Permission, allows};
use payin_tests::sandbox::Sandbox;
use payin_types::Role;

use super::{Browser, Things};

/// What a route needs; `None`: it is everybody's own business.
const NEEDS: &[(&str, &str, Option<Permission>)] = &[
    ("GET", "/dashboard", Some(Permission::ViewData)),
    ("GET", "/dashboard/orders", Some(Permission::ViewData)),
    ("GET", "/dashboard/orders.csv", Some(Permission::ViewData)),
    ("GET", "/dashboard/orders/{id}", Some(Permission::ViewData)),
    ("GET", "/dashboard/transfers", Some(Permission::ViewData)),
    ("GET", "/dashboard/transfers.csv", Some(Permission::ViewData)),
    ("GET", "/dashboard/unmatched", Some(Permission::ViewData)),
    ("GET", "/dashboard/unmatched.csv", Some(Permission::ViewData)),
    ("GET", "/dashboard/deposits", Some(Permission::ViewData)),
    ("GET", "/dashboard/deposits.csv", Some(Permission::ViewData)),
    ("GET", "/dashboard/chains", Some(Permission::ViewData)),
    ("GET", "/dashboard/links", Some(Permission::ViewData)),
    ("GET", "/dashboard/links/{id}", Some(Permission::ViewData)),
    ("GET", "/dashboard/links/{id}/preview", Some(Permission::ViewData)),
    ("GET", "/dashboard/references", Some(Permission::ViewData)),
    ("GET", "/dashboard/references/{reference}", Some(Permission::ViewData)),
    ("GET", "/dashboard/account", Some(Permission::ViewData)),
    ("POST", "/dashboard/account/password", Some(Permission::ViewData)),
    ("GET", "/dashboard/account/two-step", Some(Permission::ViewData)),
    ("POST", "/dashboard/account/two-step", Some(Permission::ViewData)),
    ("POST", "/dashboard/account/two-step/on", Some(Permission::ViewData)),
    ("POST", "/dashboard/account/two-step/off", Some(Permission::ViewData)),
    ("POST", "/dashboard/links", Some(Permission::CreateOrders)),
    ("POST", "/dashboard/links/{id}", Some(Permission::CreateOrders)),
    ("POST", "/dashboard/links/{id}/{deed}", Some(Permission::CreateOrders)),
    ("POST", "/dashboard/references", Some(Permission::CreateDeposits)),
    ("POST", "/dashboard/references/{reference}/unbind", Some(Permission::CreateDeposits)),
    ("GET", "/dashboard/addresses", Some(Permission::ManageSettings)),
    ("POST", "/dashboard/addresses/import", Some(Permission::ManageSettings)),
    ("POST", "/dashboard/addresses/{address}/archive", Some(Permission::ManageSettings)),
    ("POST", "/dashboard/addresses/{address}/restore", Some(Permission::ManageSettings)),
    ("GET", "/dashboard/webhooks", Some(Permission::ManageSettings)),
    ("POST", "/dashboard/webhooks", Some(Permission::ManageSettings)),
    ("GET", "/dashboard/webhooks/{id}", Some(Permission::ManageSettings)),
    ("POST", "/dashboard/webhooks/{id}", Some(Permission::ManageSettings)),
    ("POST", "/dashboard/webhooks/{id}/enabled", Some(Permission::ManageSettings)),
    ("POST", "/dashboard/webhooks/{id}/test", Some(Permission::ManageSettings)),
    ("POST", "/dashboard/webhooks/{id}/secret", Some(Permission::ManageSettings)),
    ("POST", "/dashboard/webhooks/{id}/delete", Some(Permission::ManageSettings)),
    ("GET", "/dashboard/events", Some(Permission::ManageSettings)),
    ("GET", "/dashboard/events/{id}", Some(Permission::ManageSettings)),
    ("POST", "/dashboard/events/{id}/resend", Some(Permission::ManageSettings)),
    ("GET", "/dashboard/keys", Some(Permission::ManageSettings)),
    ("POST", "/dashboard/keys", Some(Permission::ManageSettings)),
    ("POST", "/dashboard/keys/{id}/revoke", Some(Permission::ManageSettings)),
    ("GET", "/dashboard/settings", Some(Permission::ManageSettings)),
    ("GET", "/dashboard/settings/{key}", Some(Permission::ManageSettings)),
    ("POST", "/dashboard/settings/{key}", Some(Permission::ManageSettings)),
    ("GET", "/dashboard/members", Some(Permission::ManageSettings)),
    ("POST", "/dashboard/members", Some(Permission::ManageSettings)),
    ("POST", "/dashboard/members/invitations/{invitation}/take-back", Some(Permission::ManageSettings)),
    ("GET", "/dashboard/members/{id}", Some(Permission::ManageSettings)),
    ("POST", "/dashboard/members/{id}", Some(Permission::ManageSettings)),
    ("POST", "/dashboard/members/{id}/remove", Some(Permission::ManageSettings)),
    ("GET", "/dashboard/sandbox", Some(Permission::CreateOrders)),
    ("POST", "/dashboard/sandbox/pay", Some(Permission::CreateOrders)),
    ("POST", "/dashboard/sandbox/mine", Some(Permission::CreateOrders)),
    ("POST", "/dashboard/sandbox/advance", Some(Permission::CreateOrders)),
    ("POST", "/dashboard/sandbox/reorg", Some(Permission::CreateOrders)),
    ("POST", "/dashboard/sandbox/chain", Some(Permission::CreateOrders)),
    ("POST", "/dashboard/sandbox/clock", Some(Permission::CreateOrders)),
    ("POST", "/dashboard/sandbox/faults", Some(Permission::CreateOrders)),
    ("POST", "/dashboard/sandbox/faults/clear", Some(Permission::CreateOrders)),
    ("POST", "/dashboard/sign-out", None),
    ("POST", "/dashboard/organization", None),
    ("POST", "/dashboard/invitation/accept", None),
];
/// What needs no session.
const DOORS: &[(&str, &str)] = &[
    ("GET", "/dashboard/sign-in"),
    ("POST", "/dashboard/sign-in"),
    ("POST", "/dashboard/sign-in/code"),
    ("GET", "/dashboard/invitation"),
    ("POST", "/dashboard/invitation"),
];

/// The routes, read from the server's text: axum does not tell what a router holds.
fn routes() -> Vec<(String, String)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../payin-server/src/http/dashboard.rs");
    let source = std::fs::read_to_string(path).expect("the dashboard's routes");
    let mut found = Vec::new();
    for call in source.split(".route(\"").skip(1) {
        let (path, handlers) = call.split_once('"').expect("a path");
        let handlers = handlers.split(".route(").next().unwrap_or_default().split('\n').next().unwrap_or_default();
        for method in ["get", "post"] {
            if handlers.contains(&format!(" {method}(")) || handlers.contains(&format!(").{method}(")) {
                found.push((method.to_uppercase(), path.to_owned()));
            }
        }
    }
    found
}

#[test]
fn the_matrix_has_every_route() {
    let listed = NEEDS.iter().map(|(method, path, _)| (*method, *path)).chain(DOORS.iter().copied());
    let mut listed: Vec<_> = listed.map(|(method, path)| (method.to_owned(), path.to_owned())).collect();
    let mut routed = routes();
    listed.sort();
    routed.sort();
    assert_eq!(listed, routed);
}

async fn ask(browser: &Browser<'_>, method: &str, path: &str) -> super::Page {
    if method == "GET" { browser.get(path).await } else { browser.post(path, &[]).await }
}

async fn nobody_changes_what_their_role_does_not_allow(sandbox: &Sandbox) {
    let things = Things::make(sandbox).await;
    for role in [Role::Viewer, Role::Member] {
        let member = Browser::member(sandbox, sandbox.key(), role.clone()).await;
        let before = sandbox.database().everything().await;
        for (method, route, needs) in NEEDS {
            let Some(needs) = needs else { continue };
            let page = if allows(&role, *needs) && *method == "POST" {
                continue;
            } else {
                ask(&member, method, &things.fill(route)).await
            };
            let expected = if allows(&role, *needs) { 200 } else { 403 };
            page.is(expected);
            if role == Role::Viewer && expected == 200 {
                // Nor is it offered: all that a viewer's pages can send is going out, and what is about their own account.
                let forms = page.text.split("<form ").skip(1).map(|form| form.split('>').next().unwrap_or_default());
                let sent: Vec<&str> = forms.filter(|form| form.contains("method=\"post\"")).collect();
                let own = ["/dashboard/sign-out", "/dashboard/account/", "/checkout/"];
                let foreign: Vec<_> = sent.iter().filter(|form| !own.iter().any(|own| form.contains(own))).collect();
                assert!(foreign.is_empty(), "{route}: {foreign:?}");
            }
        }
        assert_eq!(sandbox.database().everything().await, before, "{role}");
    }
}

#[tokio::test]
async fn nobody_changes_what_their_role_does_not_allow_on_sqlite() {
    let sandbox = Sandbox::frozen().await;
    nobody_changes_what_their_role_does_not_allow(&sandbox).await;
    sandbox.stop().await;
}

#[tokio::test]
async fn nobody_changes_what_their_role_does_not_allow_on_postgresql() {
    let sandbox = Sandbox::frozen_on_postgres().await;
    nobody_changes_what_their_role_does_not_allow(&sandbox).await;
    sandbox.stop().await;
}

#[tokio::test]
async fn what_does_not_come_from_a_page_of_the_session_changes_nothing() {
    let sandbox = Sandbox::frozen().await;
    let things = Things::make(&sandbox).await;
    let owner = Browser::owner(&sandbox).await;
    let other = Browser::owner(&sandbox).await;
    assert_ne!(owner.token, other.token);
    let before = sandbox.database().everything().await;
    let own_origin = sandbox.url().to_owned();
    for (_, route, _) in NEEDS.iter().filter(|(method, ..)| *method == "POST") {
        let path = things.fill(route);
        let valid = owner.token.as_str();
        let shorter = &valid[1..];
        for (what, token, headers) in [
            ("no token", None, &[("Sec-Fetch-Site", "same-origin")][..]),
            ("an empty token", Some(""), &[]),
            ("a wrong token", Some("00000000000000000000000000000000"), &[]),
            ("a piece of it", Some(shorter), &[("Origin", own_origin.as_str())]),
            ("another session's token", Some(other.token.as_str()), &[]),
            ("a foreign origin", Some(valid), &[("Origin", "https://evil.example")]),
            ("no origin that can be told", Some(valid), &[("Origin", "null")]),
            ("another site", Some(valid), &[("Sec-Fetch-Site", "cross-site")]),
            ("a sister site", Some(valid), &[("Sec-Fetch-Site", "same-site"), ("Origin", own_origin.as_str())]),
        ] {
            let form: Vec<(&str, &str)> = token.map(|token| ("token", token)).into_iter().collect();
            let page = owner.post_with(&path, &form, headers).await;
            assert_eq!(page.status, 403, "{what}: {}: {}", page.at, page.text);
        }
        let nobody = Browser { sandbox: &sandbox, cookie: String::new(), token: owner.token.clone() };
        nobody.post(&path, &[]).await.is(401);
        let made_up = Browser { sandbox: &sandbox, cookie: "payin_dashboard=made-up".to_owned(), token: owner.token.clone() };
        made_up.post(&path, &[]).await.is(401);
        let two = Browser { sandbox: &sandbox, cookie: format!("{}; {}", owner.cookie, other.cookie), token: owner.token.clone() };
        two.post(&path, &[]).await.is(401);
    }
    assert_eq!(sandbox.database().everything().await, before);
    sandbox.stop().await;
}

async fn others_things_do_not_exist(sandbox: &Sandbox) {
    let things = Things::make(sandbox).await;
    let stranger = sandbox.stranger().await;
    let theirs = Browser::member(sandbox, &stranger, Role::Owner).await;
    let before = sandbox.database().everything().await;
    for (method, route, _) in NEEDS.iter().filter(|(_, route, _)| route.contains('{') && !route.contains("{key}")) {
        let page = ask(&theirs, method, &things.fill(route)).await;
        // As if it were nobody's.
        let nobodys = Things {
            order: "ord_00000000".to_owned(),
            endpoint: "we_00000000".to_owned(),
            event: "evt_00000000".to_owned(),
            key: "key_00000000".to_owned(),
            address: "0x5AEDA56215b167893e80B4fE645BA6d5Bab767DE".to_owned(),
            link: "pl_00000000".to_owned(),
            reference: "nobody".to_owned(),
            person: "usr_00000000".to_owned(),
            invitation: "00000000".to_owned(),
        };
        let nothing = ask(&theirs, method, &nobodys.fill(route)).await;
        // A deed to a member says why on the page, which has only what one has of one's own.
        assert!(page.status == 404 && nothing.status == 404, "{}: {} {}: {}", page.at, page.status, nothing.status, page.text);
        assert_eq!(page.text, nothing.text, "{}", page.at);
    }
    assert_eq!(sandbox.database().everything().await, before);
    for list in NEEDS.iter().filter(|(method, route, _)| *method == "GET" && !route.contains('{')) {
        let page = theirs.get(list.1).await;
        page.is(200).lacks(&[&things.order, &things.endpoint, &things.event, &things.key, &things.address, &things.link, "user 7", "T-1"]);
        page.lacks(&[&things.invitation, "Grace"]);
    }
}

#[tokio::test]
async fn others_things_do_not_exist_on_sqlite() {
    let sandbox = Sandbox::frozen().await;
    others_things_do_not_exist(&sandbox).await;
    sandbox.stop().await;
}

#[tokio::test]
async fn others_things_do_not_exist_on_postgresql() {
    let sandbox = Sandbox::frozen_on_postgres().await;
    others_things_do_not_exist(&sandbox).await;
    sandbox.stop().await;
}
