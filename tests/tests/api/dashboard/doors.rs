//! Coming in and going out.

use payin_core::totp;
use payin_tests::sandbox::{PASSWORD, Sandbox, text};
use payin_types::Role;
use serde_json::json;

use super::Browser;

#[tokio::test]
async fn somebody_signs_in_and_out() {
    let sandbox = Sandbox::frozen().await;
    let nobody = Browser::new(&sandbox);
    nobody.get("/dashboard/orders/x?lang=en").await.leads_to("/dashboard/sign-in?to=%2Fdashboard%2Forders%2Fx");
    let page = nobody.get("/dashboard/sign-in?to=%2Fdashboard%2Forders%2Fx").await;
    page.is(200).has(&["<h1>Sign in</h1>", "name=\"to\" value=\"/dashboard/orders/x\"", "noindex"]).lacks(&["<script>", "style="]);
    for (name, value) in [
        ("cache-control", "no-store"),
        ("x-frame-options", "DENY"),
        ("x-robots-tag", "noindex, nofollow"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-opener-policy", "same-origin"),
    ] {
        assert_eq!(page.header(name), value);
    }
    let policy = page.header("content-security-policy");
    assert!(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self';") && !policy.contains("unsafe"), "{policy}");

    let (email, password) = sandbox.owner();
    let enter = async |form: &[(&str, &str)], headers: &[(&str, &str)]| nobody.post_with("/dashboard/sign-in", form, headers).await;
    // Neither the name nor the password is told to be the wrong one; what was typed stays, but for the password.
    for name in [email, "nobody@shop.example", "\u{0}", ""] {
        let page = enter(&[("name", name), ("password", "wrong horse battery")], &[]).await;
        page.is(401).has(&["role=\"alert\"", "The name or the password is wrong."]).lacks(&["wrong horse battery"]);
    }
    let foreign = [("Origin", "https://evil.example")];
    enter(&[("name", email), ("password", password)], &foreign).await.is(403).has(&["This is not allowed"]);
    enter(&[("name", email), ("password", password)], &[("Sec-Fetch-Site", "same-site")]).await.is(403);
    let elsewhere = enter(&[("name", email), ("password", password), ("to", "//evil.example")], &[]).await;
    elsewhere.leads_to("/dashboard");
    let page = enter(&[("name", email), ("password", password), ("to", "/dashboard/orders")], &[]).await;
    page.leads_to("/dashboard/orders");
    let cookie = page.header("set-cookie");
    assert!(
        cookie.starts_with("payin_dashboard=") && cookie.ends_with("; Path=/dashboard; Max-Age=86400; HttpOnly; SameSite=Lax"),
        "{cookie}"
    );

    let owner = Browser::owner(&sandbox).await;
    owner.get("/dashboard").await.is(200).has(&["<h1>Overview</h1>", "Owner", "Sandbox", "aria-current=\"page\""]);
    owner.post("/dashboard/sign-out", &[]).await.leads_to("/dashboard/sign-in");
    owner.get("/dashboard").await.leads_to("/dashboard/sign-in?to=%2Fdashboard");
    owner.post("/dashboard/keys", &[("name", "x")]).await.is(401).has(&["You are signed out"]);
    sandbox.stop().await;
}

#[tokio::test]
async fn who_guesses_is_stopped_at_every_door() {
    let sandbox = Sandbox::with(|options| {
        options.frozen = true;
        options.rate_limits = Some(payin_core::quota::Limits { per_minute: 10_000, per_hour: 10_000, per_day: 10_000 });
    })
    .await;
    let (email, password) = sandbox.owner();
    let nobody = Browser::new(&sandbox);
    let enter = async |password: &str| nobody.post_with("/dashboard/sign-in", &[("name", email), ("password", password)], &[]).await;
    for _ in 0..20 {
        enter("wrong horse battery").await.is(401);
    }
    let page = enter(password).await;
    page.is(429).has(&["Too many attempts have failed"]);
    assert_eq!(page.header("retry-after"), "900");
    // The other doors lead to the same account.
    let admin = serde_json::json!({ "email": email, "password": password });
    let reply = sandbox.ask("POST", "/api/v1/admin/login").no_key().json(&admin).send().await;
    assert_eq!((reply.status, reply.header("retry-after")), (429, "900"), "{}", reply.text);
    let cryptopay = serde_json::json!({ "username": email, "password": password });
    let reply = sandbox.ask("POST", "/api/auth/login").no_key().json(&cryptopay).send().await;
    assert_eq!((reply.status, reply.header("retry-after")), (429, "900"), "{}", reply.text);
    sandbox.advance(15 * 60).await;
    enter(password).await.leads_to("/dashboard");
    sandbox.stop().await;
}

/// The code that an app shows at this moment of the sandbox, or so many steps later.
async fn code(sandbox: &Sandbox, key: &str, later: i64) -> String {
    let now: payin_types::Timestamp = text(&sandbox.read("/api/v1/sandbox/clock").await["now"]).parse().expect("a time");
    totp::code(&totp::read(key).expect("a key"), totp::step(now) + later)
}

#[tokio::test]
async fn somebody_signs_in_in_two_steps() {
    let sandbox = Sandbox::frozen().await;
    let at = "/dashboard/account/two-step";
    let (email, password) = sandbox.owner();
    let (mut owner, elsewhere) = (Browser::owner(&sandbox).await, Browser::owner(&sandbox).await);
    owner.get("/dashboard/account").await.has(&["Two-step sign-in", &format!("href=\"{at}\"")]);
    owner.get(at).await.is(200).has(&["Set up", "Off"]).lacks(&["<svg"]);
    owner.post(at, &[("password", "wrong horse battery")]).await.is(403).has(&["The present password is another one"]);
    owner.post(at, &[("password", password)]).await.leads_to(at);
    let page = owner.get(at).await;
    let key =
        page.is(200).has(&["<svg", "aria-label=\"QR code of the key\"", "autocomplete=\"one-time-code\""]).between("<code>", "</code>");
    let key = key.replace(' ', "");
    assert_eq!(key.len(), 32, "{key}");
    // It is nobody else's, and not asked for yet.
    elsewhere.get(at).await.has(&["<svg"]);
    Browser::member(&sandbox, sandbox.key(), Role::Owner).await.get(at).await.lacks(&["<svg", &key]);
    Browser::owner(&sandbox).await;
    owner.post(&format!("{at}/on"), &[("code", "000000")]).await.is(403).has(&["The code is wrong", "<svg"]);
    sandbox.advance(1).await;
    let page = owner.post(&format!("{at}/on"), &[("code", &code(&sandbox, &key, 0).await)]).await;
    let recovery = page.is(200).has(&["shown only now"]).lacks(&[&key]).between("<code id=\"secret\">", "</code>");
    let recovery: Vec<&str> = recovery.lines().collect();
    assert_eq!((recovery.len(), recovery[0].len()), (10, 19), "{recovery:?}");
    // The page's forms are those of the session that goes on; the others are over.
    owner.cookie = page.header("set-cookie").split(';').next().unwrap_or_default().to_owned();
    owner.token = page.between("name=\"token\" value=\"", "\"");
    elsewhere.get("/dashboard").await.is(303);
    owner.get(at).await.is(200).has(&[">On<", ">10<", "Turn off"]).lacks(&["<svg", recovery[0], &key]);

    let nobody = Browser::new(&sandbox);
    let enter =
        async || nobody.post_with("/dashboard/sign-in", &[("name", email), ("password", password), ("to", "/dashboard/orders")], &[]).await;
    let page = enter().await;
    let ticket = page
        .is(200)
        .has(&["Enter your code", "name=\"to\" value=\"/dashboard/orders\"", "/dashboard/sign-in?to="])
        .between("name=\"ticket\" value=\"", "\"");
    assert!(page.headers.get("set-cookie").is_none() && !page.text.contains(password), "{}", page.text);
    let show = async |ticket: &str, code: &str, headers: &[(&str, &str)]| {
        let form = [("ticket", ticket), ("code", code), ("to", "/dashboard/orders")];
        nobody.post_with("/dashboard/sign-in/code", &form, headers).await
    };
    let used = code(&sandbox, &key, 0).await;
    for wrong in ["", "000000", &used, "<script>"] {
        let page = show(&ticket, wrong, &[]).await;
        page.is(401).has(&["The code is wrong, or has been used", &ticket]).lacks(&["<script>"]);
    }
    let next = code(&sandbox, &key, 1).await;
    show(&ticket, &next, &[("Origin", "https://evil.example")]).await.is(403);
    show("made-up", &next, &[]).await.is(409).has(&["That took too long", "name=\"password\""]);
    let page = show(&ticket, &next, &[]).await;
    page.leads_to("/dashboard/orders");
    assert!(page.header("set-cookie").starts_with("payin_dashboard="));
    show(&ticket, recovery[0], &[]).await.leads_to("/dashboard/orders");
    show(&ticket, recovery[0], &[]).await.is(401);
    // In another language it is the same, and the way back there is a page that there is.
    let page = nobody.post_with("/dashboard/sign-in?lang=zh", &[("name", email), ("password", password)], &[]).await;
    page.is(200).has(&["输入验证码"]);

    // Behind the doors of other APIs the same account is not to be had with less.
    sandbox.advance(60).await;
    for (path, name) in [("/api/v1/admin/login", "email"), ("/api/auth/login", "username")] {
        let log_in =
            async |password: &str| sandbox.ask("POST", path).no_key().json(&json!({ name: email, "password": password })).send().await;
        let reply = log_in(password).await;
        assert!(reply.status == 401 && reply.text.contains("a comma and a code"), "{}: {}", reply.status, reply.text);
        let with_code = format!("{password},{}", code(&sandbox, &key, 0).await);
        assert_eq!(log_in(&with_code).await.status, 200);
        assert_eq!(log_in(&with_code).await.status, 401, "it was used");
        sandbox.advance(30).await;
    }
    let page = owner.post(&format!("{at}/off"), &[("password", password), ("code", "000000")]).await;
    page.is(403).has(&["The code is wrong"]);
    owner.post(&format!("{at}/off"), &[("password", password), ("code", recovery[1])]).await.leads_to(&format!("{at}?done=1"));
    enter().await.leads_to("/dashboard/orders");
    sandbox.stop().await;
}

#[tokio::test]
async fn somebody_is_invited_and_changes_their_password() {
    let sandbox = Sandbox::frozen().await;
    let owner = Browser::owner(&sandbox).await;
    let page = owner.post("/dashboard/members", &[("role", "viewer")]).await;
    let url = page.is(200).has(&["This link lets one person in"]).between("<code id=\"secret\">", "</code>");
    let path = url.strip_prefix(sandbox.url()).unwrap_or_else(|| panic!("{url}")).to_owned();
    let token = path.rsplit('=').next().expect("a token").to_owned();
    let mut guest = Browser::new(&sandbox);
    guest.get(&path).await.is(200).has(&["Join an organization", "You are invited to Sandbox, as Viewer."]);
    // The same in another language is the same link.
    guest.get(&format!("{path}&lang=zh")).await.is(200).has(&["加入组织", &format!("?invitation={token}&#38;lang=en")]);
    let accept = async |guest: &Browser<'_>, email: &str, password: &str, headers: &[(&str, &str)]| {
        let form = [("invitation", token.as_str()), ("email", email), ("name", "Eve <b>"), ("password", password)];
        guest.post_with("/dashboard/invitation", &form, headers).await
    };
    accept(&guest, "eve@shop.example", PASSWORD, &[("Origin", "https://evil.example")]).await.is(403);
    let page = accept(&guest, "eve", "short", &[]).await;
    page.is(400).has(&["must be an e-mail address", "must be 8 to 256 characters", "value=\"eve\""]).lacks(&["value=\"short\""]);
    let page = accept(&guest, "eve@shop.example", PASSWORD, &[]).await;
    guest.comes_in(&page).await;
    guest.get("/dashboard").await.has(&["Eve &#60;b&#62;", "Viewer"]);
    accept(&Browser::new(&sandbox), "mallory@shop.example", PASSWORD, &[]).await.is(404);
    guest.get("/dashboard/invitation?invitation=made-up").await.is(404);

    let elsewhere = Browser::of(&sandbox, "eve@shop.example", PASSWORD).await;
    sandbox.advance(1).await;
    let change = async |old: &str, new: &str| guest.post("/dashboard/account/password", &[("old", old), ("new", new)]).await;
    change("wrong horse battery", "another horse battery").await.is(403).has(&["The present password is another one"]);
    let page = change(PASSWORD, "another horse battery").await;
    page.leads_to("/dashboard/account?done=1");
    elsewhere.get("/dashboard").await.is(303);
    guest.get("/dashboard").await.is(303);
    guest.comes_in(&page).await;
    Browser::of(&sandbox, "eve@shop.example", "another horse battery").await;
    sandbox.stop().await;
}

#[tokio::test]
async fn an_invitation_is_listed_and_taken_back() {
    let sandbox = Sandbox::frozen().await;
    let owner = Browser::owner(&sandbox).await;
    owner.get("/dashboard/members").await.has(&["No invitation is open."]);
    let page = owner.post("/dashboard/members", &[("role", "owner"), ("guest", "Grace <b>")]).await;
    let token = page.is(200).between("invitation?invitation=", "</code>");
    let page = owner.get("/dashboard/members").await;
    page.has(&["Grace &#60;b&#62;", ">Open</span>", "Invited by", "Take back…"]).lacks(&[&token, "No invitation is open."]);
    let deed = page.between("action=\"/dashboard/members/invitations/", "\"");
    let deed = format!("/dashboard/members/invitations/{deed}");
    // Who may not give the role is offered no button, and refused: the page says so, and the invitation stays.
    let admin = Browser::member(&sandbox, sandbox.key(), Role::Admin).await;
    admin.get("/dashboard/members").await.has(&["Grace &#60;b&#62;"]).lacks(&["/take-back"]);
    let page = admin.post(&deed, &[]).await;
    page.is(403).has(&["role=\"alert\"", "Nobody can take back an invitation as owner who may not give that role", "<h1>Members</h1>"]);
    let guest = Browser::new(&sandbox);
    let page = guest.get(&format!("/dashboard/invitation?invitation={token}")).await;
    // Who has an account comes back here once they are signed in.
    page.is(200).has(&[&format!("href=\"/dashboard/sign-in?to=%2Fdashboard%2Finvitation%3Finvitation%3D{token}\"")]);
    owner.post(&deed, &[]).await.leads_to("/dashboard/members?done=1");
    owner.get("/dashboard/members?done=1").await.has(&["Done.", "No invitation is open."]).lacks(&["Grace"]);
    guest.get(&format!("/dashboard/invitation?invitation={token}")).await.is(404);
    let form = [("invitation", token.as_str()), ("email", "grace@shop.example"), ("password", PASSWORD)];
    guest.post_with("/dashboard/invitation", &form, &[]).await.is(404);
    owner.post("/dashboard/invitation/accept", &[("invitation", &token)]).await.is(404);
    let page = owner.post(&deed, &[]).await;
    page.is(404).has(&["role=\"alert\"", "This invitation is not open any more", "<h1>Members</h1>"]);
    // As many as one likes, a page at a time.
    for number in 0..26 {
        owner.post("/dashboard/members", &[("role", "viewer"), ("guest", &format!("guest {number:02}"))]).await.is(200);
    }
    let page = owner.get("/dashboard/members?page=2").await;
    page.is(200).has(&["Page 2 of 2, 26 in all", "rel=\"prev\""]);
    assert_eq!(page.text.matches("/take-back\"").count(), 1);
    sandbox.stop().await;
}

#[tokio::test]
async fn somebody_of_several_organizations_looks_at_one_at_a_time() {
    let sandbox = Sandbox::frozen().await;
    let stranger = sandbox.stranger().await;
    let theirs = Browser::member(&sandbox, &stranger, Role::Owner).await;
    let page = theirs.post("/dashboard/members", &[("role", "viewer")]).await;
    let token = page.is(200).between("invitation?invitation=", "</code>");
    sandbox.order("OURS", "1").await;
    let owner = Browser::owner(&sandbox).await;
    owner.get(&format!("/dashboard/invitation?invitation={token}")).await.has(&["You are invited to Stranger", "Join"]);
    owner.post("/dashboard/invitation/accept", &[("invitation", &token)]).await.leads_to("/dashboard?done=1");
    let page = owner.get("/dashboard").await;
    let other = page.has(&["selected>Sandbox</option>"]).between("<option value=\"org_", "</option>");
    let ids: Vec<&str> = page.text.split("<option value=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    assert_eq!(ids.len(), 2, "{other}");
    owner.get("/dashboard/orders").await.has(&["OURS"]);
    let of_stranger = ids.iter().find(|id| !page.text.contains(&format!("value=\"{id}\" selected"))).expect("another");
    owner.post("/dashboard/organization", &[("organization", of_stranger)]).await.leads_to("/dashboard");
    owner.get("/dashboard/orders").await.is(200).has(&["Viewer"]).lacks(&["OURS"]);
    owner.get("/dashboard/keys").await.is(403);
    owner.post("/dashboard/organization", &[("organization", "org_nobodys")]).await.is(404);
    sandbox.stop().await;
}

#[tokio::test]
async fn pages_speak_the_language_that_was_chosen() {
    let sandbox = Sandbox::frozen().await;
    let mut nobody = Browser::new(&sandbox);
    let page = nobody.get("/dashboard/sign-in?lang=zh").await;
    page.has(&["<html lang=\"zh-Hans\">", "<h1>登录</h1>", "lang=\"en\" hreflang=\"en\">English"]);
    let kept = page.header("set-cookie").to_owned();
    assert!(kept.starts_with("payin_language=zh; Path=/dashboard;"), "{kept}");
    nobody.get("/dashboard/sign-in").await.has(&["<html lang=\"en\">"]);
    nobody.cookie = "payin_language=zh".to_owned();
    nobody.get("/dashboard/sign-in").await.has(&["<html lang=\"zh-Hans\">"]);
    nobody.get("/dashboard/sign-in?lang=en").await.has(&["<html lang=\"en\">"]);
    nobody.cookie = "payin_language=<script>".to_owned();
    nobody.get("/dashboard/sign-in").await.has(&["<html lang=\"en\">"]);
    sandbox.stop().await;
}
