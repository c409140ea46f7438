//! Browsers in which people are signed in, links by which they come in, and who they are for their organization.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use futures_util::future::join_all;
use payin_server::app::accounts::browser::{self, Browser};
use payin_server::app::accounts::invitation::{self, Accept, Invite, Newcomer, TakeBack};
use payin_server::app::accounts::members::{self, Change, Deed};
use payin_server::app::accounts::{self, Opened, Session};
use payin_server::app::keys;
use payin_server::store::Failure;
use payin_tests::gateway::{Gateway, Kind, refusal};
use payin_types::{CreateApiKey, ErrorCode, ExposeSecret as _, OrganizationId, Role, SecretString, UserId};

use super::World;

const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const PASSWORD: &str = "correct horse battery";
const HOUR: Duration = Duration::from_secs(60 * 60);

fn secret(text: &str) -> SecretString {
    SecretString::from(text.to_owned())
}

/// Somebody new comes in by a link.
async fn come_in(gateway: &Gateway, token: &str, email: &str) -> Result<(UserId, OrganizationId), Failure> {
    let organization = Some("Ada's shop".to_owned());
    let newcomer = Newcomer { name: None, email: email.to_owned(), password: secret(PASSWORD), organization };
    gateway.write(Accept::newcomer(&gateway.app, token, newcomer).await?).await
}

/// The first owner of a new server.
async fn owner(gateway: &Gateway) -> Session {
    let setup = invitation::offer_setup(&gateway.app).await.expect("a database").expect("a new server");
    come_in(gateway, setup.expose_secret(), "ada@shop.example").await.expect("an owner");
    login(gateway, "ada@shop.example", PASSWORD).await.expect("signed in")
}

async fn login(gateway: &Gateway, name: &str, password: &str) -> Result<Session, Failure> {
    accounts::login(&gateway.app, Some(name), secret(password), HERE).await
}

async fn invited(gateway: &Gateway, by: &Session, role: Role, email: &str) -> Session {
    let token = gateway.write(Invite::new(&gateway.app, by, role, None)).await.expect("an invitation");
    come_in(gateway, token.expose_secret(), email).await.expect("a member");
    login(gateway, email, PASSWORD).await.expect("signed in")
}

async fn enter(gateway: &Gateway, session: &Session) -> String {
    let token = browser::enter(&gateway.app, &session.user_id, &session.organization_id).await.expect("signed in");
    token.expose_secret().to_owned()
}

async fn recall(gateway: &Gateway, token: &str) -> Result<Browser, Failure> {
    browser::recall(&gateway.app, token).await
}

pub async fn a_new_server_is_set_up_once(kind: Kind) {
    let place = payin_tests::gateway::Place::new(kind).await;
    let gateway = Gateway::open(&place.location, 1, Some(super::executed(kind))).await;
    let offer = async || invitation::offer_setup(&gateway.app).await.expect("a database");
    let first = offer().await.expect("a new server");
    let second = offer().await.expect("still new");
    assert_eq!(refusal(come_in(&gateway, first.expose_secret(), "eve@x.example").await).code, ErrorCode::ResourceNotFound, "replaced");
    assert_eq!(place.value("SELECT COUNT(*) FROM invitations").await, "1");
    // Of several at once one is the first owner.
    let all = join_all((0..3).map(|n| {
        let (gateway, token) = (&gateway, second.expose_secret());
        async move { come_in(gateway, token, &format!("ada{n}@shop.example")).await }
    }));
    assert_eq!(all.await.into_iter().filter_map(Result::ok).count(), 1);
    for (table, rows) in [("users", "1"), ("organizations", "1"), ("memberships", "1"), ("invitations", "0")] {
        assert_eq!(place.value(&format!("SELECT COUNT(*) FROM {table}")).await, rows, "{table}");
    }
    assert_eq!(place.value("SELECT name FROM organizations").await, "Ada's shop");
    assert!(offer().await.is_none(), "nobody else is offered that");
    gateway.app.store.close().await;
}

pub async fn a_browser_is_signed_in_for_a_while(kind: Kind) {
    let place = payin_tests::gateway::Place::new(kind).await;
    let gateway = Gateway::open(&place.location, 1, Some(super::executed(kind))).await;
    let ada = owner(&gateway).await;
    let token = enter(&gateway, &ada).await;
    let found = recall(&gateway, &token).await.expect("signed in");
    assert_eq!((&found.session, found.organization.as_str(), found.organizations.len()), (&ada, "Ada's shop", 1));
    assert!(!place.value("SELECT mac FROM browser_sessions").await.contains(&token), "what it bears is nowhere");
    for other in ["", "made up", &token[1..]] {
        assert_eq!(refusal(recall(&gateway, other).await).code, ErrorCode::InvalidApiKey);
    }
    let form = browser::form_token(&gateway.app, &token);
    assert!(browser::is_form_token(&gateway.app, &token, &form));
    for other in ["", "made up", &form[1..], &token, &browser::form_token(&gateway.app, "another")] {
        assert!(!browser::is_form_token(&gateway.app, &token, other), "{other}");
    }
    // Used, it lasts a day; unused, an hour.
    let idle = enter(&gateway, &ada).await;
    for _ in 0..23 {
        gateway.clock.advance(HOUR - Duration::from_secs(1));
        recall(&gateway, &token).await.expect("still signed in");
    }
    assert_eq!(refusal(recall(&gateway, &idle).await).code, ErrorCode::InvalidApiKey);
    gateway.clock.advance(HOUR - Duration::from_secs(1));
    recall(&gateway, &token).await.expect("still signed in");
    gateway.clock.advance(Duration::from_secs(25));
    assert_eq!(refusal(recall(&gateway, &token).await).code, ErrorCode::InvalidApiKey);
    // What is over is forgotten with the next.
    let token = enter(&gateway, &ada).await;
    assert_eq!(place.value("SELECT COUNT(*) FROM browser_sessions").await, "1");
    let found = recall(&gateway, &token).await.expect("signed in");
    browser::leave(&gateway.app, &found).await.expect("signed out");
    assert_eq!(refusal(recall(&gateway, &token).await).code, ErrorCode::InvalidApiKey);
    gateway.app.store.close().await;
}

pub async fn a_new_password_ends_what_the_old_one_began(kind: Kind) {
    let place = payin_tests::gateway::Place::new(kind).await;
    let gateway = Gateway::open(&place.location, 1, Some(super::executed(kind))).await;
    let ada = owner(&gateway).await;
    let (one, other) = (enter(&gateway, &ada).await, enter(&gateway, &ada).await);
    let Opened { refresh, family } = accounts::open_session(&gateway.app, ada.user_id.clone()).await.expect("a session");
    let access = [None, Some(family.as_str())].map(|family| accounts::access_token(&gateway.app, &ada, family));
    let here = recall(&gateway, &one).await.expect("signed in");
    let change = async |old: &str, new: &str| browser::change_password(&gateway.app, &here, HERE, secret(old), secret(new)).await;
    gateway.clock.advance(Duration::from_secs(1));
    assert_eq!(refusal(change("wrong horse battery", "another horse").await).code, ErrorCode::InsufficientPermissions);
    assert_eq!(refusal(change(PASSWORD, "short").await).code, ErrorCode::ValidationError);
    recall(&gateway, &other).await.expect("nothing has changed");
    change(PASSWORD, "another horse").await.expect("changed");
    for token in [&one, &other] {
        assert_eq!(refusal(recall(&gateway, token).await).code, ErrorCode::InvalidApiKey);
    }
    assert_eq!(refusal(accounts::prolong(&gateway.app, refresh.expose_secret()).await).code, ErrorCode::InvalidApiKey);
    for access in access {
        assert_eq!(refusal(accounts::authenticate(&gateway.app, access.expose_secret()).await).code, ErrorCode::InvalidApiKey);
    }
    assert_eq!(refusal(login(&gateway, "ada@shop.example", PASSWORD).await).code, ErrorCode::InvalidApiKey);
    let token = enter(&gateway, &login(&gateway, "ada@shop.example", "another horse").await.expect("signed in")).await;
    recall(&gateway, &token).await.expect("signed in");
    place.execute("UPDATE users SET disabled_at = 1").await;
    assert_eq!(refusal(recall(&gateway, &token).await).code, ErrorCode::InvalidApiKey, "whoever may not sign in is signed out");
    gateway.app.store.close().await;
}

pub async fn members_are_let_in_and_go(kind: Kind) {
    let place = payin_tests::gateway::Place::new(kind).await;
    let gateway = Gateway::open(&place.location, 1, Some(super::executed(kind))).await;
    let ada = owner(&gateway).await;
    let bob = invited(&gateway, &ada, Role::Admin, "bob@shop.example").await;
    let cleo = invited(&gateway, &bob, Role::Viewer, "cleo@shop.example").await;
    assert_eq!((&bob.role, &cleo.role, &cleo.organization_id), (&Role::Admin, &Role::Viewer, &ada.organization_id));
    let names = async || members::list(&gateway.app, &ada.organization_id).await.expect("members").len();
    assert_eq!(names().await, 3);
    // Nobody makes somebody stronger than they are, nor changes one who is.
    let invite = async |by: &Session, role: Role| gateway.write(Invite::new(&gateway.app, by, role, None)).await;
    for (by, role) in [(&bob, Role::Owner), (&cleo, Role::Viewer), (&ada, Role::from("emperor"))] {
        assert_eq!(refusal(invite(by, role.clone()).await).code, ErrorCode::InsufficientPermissions, "{} {role}", by.role);
    }
    let change = async |by: &Session, of: &Session, deed: Deed| gateway.write(Change::new(by, of.user_id.as_str().to_owned(), deed)).await;
    for (by, of, deed) in [
        (&bob, &ada, Deed::Remove),
        (&bob, &cleo, Deed::Role(Role::Owner)),
        (&cleo, &bob, Deed::Role(Role::Viewer)),
        (&cleo, &cleo, Deed::Role(Role::Owner)),
    ] {
        assert_eq!(refusal(change(by, of, deed.clone()).await).code, ErrorCode::InsufficientPermissions, "{deed:?}");
    }
    assert_eq!(refusal(change(&ada, &cleo, Deed::Role(Role::from("emperor"))).await).code, ErrorCode::ValidationError);
    for deed in [Deed::Remove, Deed::Role(Role::Admin)] {
        assert_eq!(refusal(change(&ada, &ada, deed).await).code, ErrorCode::InvalidState, "an organization keeps an owner");
    }
    assert_eq!(refusal(gateway.write(Change::new(&ada, "usr_nobody".to_owned(), Deed::Remove)).await).code, ErrorCode::ResourceNotFound);
    // A link is good once, for three days, and as long as whoever gave it may.
    let token = invite(&bob, Role::Member).await.expect("an invitation");
    let again = Accept::known(&gateway.app, token.expose_secret(), cleo.user_id.clone());
    assert_eq!(refusal(gateway.write(again).await).code, ErrorCode::InvalidState, "she is a member");
    change(&ada, &bob, Deed::Remove).await.expect("removed");
    assert_eq!(refusal(come_in(&gateway, token.expose_secret(), "dan@shop.example").await).code, ErrorCode::ResourceNotFound);
    let token = invite(&ada, Role::Member).await.expect("an invitation");
    let open = invitation::look(&gateway.app, token.expose_secret()).await.expect("open");
    assert_eq!((open.organization.as_deref(), open.role), (Some("Ada's shop"), Role::Member));
    let back = gateway.write(Accept::known(&gateway.app, token.expose_secret(), bob.user_id.clone())).await.expect("a member again");
    assert_eq!(back, (bob.user_id.clone(), ada.organization_id.clone()));
    assert_eq!(refusal(come_in(&gateway, token.expose_secret(), "dan@shop.example").await).code, ErrorCode::ResourceNotFound, "used");
    let late = invite(&ada, Role::Member).await.expect("an invitation");
    gateway.clock.advance(72 * HOUR);
    assert_eq!(refusal(come_in(&gateway, late.expose_secret(), "dan@shop.example").await).code, ErrorCode::ResourceNotFound, "over");
    // Of two owners who remove each other one stays.
    change(&ada, &bob, Deed::Role(Role::Owner)).await.expect("another owner");
    let both = join_all([change(&ada, &bob, Deed::Remove), change(&bob, &ada, Deed::Remove)]).await;
    assert_eq!(both.iter().filter(|done| done.is_ok()).count(), 1, "{both:?}");
    assert_eq!(names().await, 2);
    gateway.app.store.close().await;
}

/// What is listed of the invitations of an organization: for whom, who they will be, who lets them in, and whether it is good.
async fn listed(gateway: &Gateway, organization: &OrganizationId) -> Vec<(String, Role, String, bool)> {
    let page = invitation::waiting(&gateway.app, organization, None, 100).await.expect("invitations");
    let one = |one: invitation::Waiting| (one.kept.guest.unwrap_or_default(), one.kept.role, one.kept.invited_by, one.is_good);
    page.data.into_iter().map(one).collect()
}

/// By which an invitation for somebody is taken back.
async fn mac(gateway: &Gateway, organization: &OrganizationId, guest: &str) -> String {
    let page = invitation::waiting(&gateway.app, organization, None, 100).await.expect("invitations");
    page.data.into_iter().find(|one| one.kept.guest.as_deref() == Some(guest)).expect("an invitation").kept.mac
}

pub async fn an_invitation_is_taken_back_by_whoever_may_make_it(kind: Kind) {
    let place = payin_tests::gateway::Place::new(kind).await;
    let gateway = Gateway::open(&place.location, 1, Some(super::executed(kind))).await;
    let ada = owner(&gateway).await;
    let bob = invited(&gateway, &ada, Role::Admin, "bob@shop.example").await;
    let cleo = invited(&gateway, &ada, Role::Viewer, "cleo@shop.example").await;
    let own = &ada.organization_id;
    let invite =
        async |by: &Session, role: Role, guest: &str| gateway.write(Invite::new(&gateway.app, by, role, Some(guest.to_owned()))).await;
    let take_back = async |by: &Session, mac: String| gateway.write(TakeBack::new(&gateway.app, by, mac)).await;
    for guest in ["", " dan", "da\u{0}n", &"x".repeat(151)] {
        assert_eq!(refusal(invite(&ada, Role::Viewer, guest).await).code, ErrorCode::ValidationError, "{guest:?}");
    }
    assert_eq!(listed(&gateway, own).await, [], "those that were used are not there");
    let dan = invite(&ada, Role::Owner, "Dan").await.expect("an invitation");
    gateway.clock.advance(HOUR);
    let eve = invite(&bob, Role::Member, "Eve").await.expect("an invitation");
    let names = [("Eve", Role::Member, "bob@shop.example"), ("Dan", Role::Owner, "ada@shop.example")];
    let expected = names.map(|(guest, role, by)| (guest.to_owned(), role, by.to_owned(), true));
    assert_eq!(listed(&gateway, own).await, expected);
    let second = invitation::waiting(&gateway.app, own, Some(2), 1).await.expect("a page");
    assert_eq!((second.data.len(), second.pagination.total, second.data[0].kept.guest.as_deref()), (1, 2, Some("Dan")));
    let (dans, eves) = (mac(&gateway, own, "Dan").await, mac(&gateway, own, "Eve").await);
    // As inviting is: not by somebody weaker, nor from another organization, and not by what the link bears.
    let (other, _) = gateway.organization("Other").await;
    let stranger = Session { organization_id: other.clone(), ..ada.clone() };
    assert_eq!(listed(&gateway, &other).await, []);
    for (by, mac, code) in [
        (&bob, &dans, ErrorCode::InsufficientPermissions),
        (&cleo, &eves, ErrorCode::InsufficientPermissions),
        (&stranger, &dans, ErrorCode::ResourceNotFound),
        (&ada, &dan.expose_secret().to_owned(), ErrorCode::ResourceNotFound),
        (&ada, &"\u{0}".to_owned(), ErrorCode::ResourceNotFound),
    ] {
        assert_eq!(refusal(take_back(by, mac.clone()).await).code, code, "{} {mac:?}", by.email);
    }
    assert_eq!(listed(&gateway, own).await.len(), 2);
    // It is not good while whoever made it may not give that role, and can be taken back all the same.
    gateway.write(Change::new(&ada, bob.user_id.as_str().to_owned(), Deed::Role(Role::Viewer))).await.expect("weaker");
    assert_eq!(listed(&gateway, own).await.iter().map(|one| one.3).collect::<Vec<_>>(), [false, true]);
    assert_eq!(refusal(take_back(&bob, eves.clone()).await).code, ErrorCode::InsufficientPermissions);
    take_back(&ada, eves.clone()).await.expect("taken back");
    gateway.write(Change::new(&ada, bob.user_id.as_str().to_owned(), Deed::Role(Role::Admin))).await.expect("stronger again");
    assert_eq!(refusal(come_in(&gateway, eve.expose_secret(), "eve@shop.example").await).code, ErrorCode::ResourceNotFound);
    assert_eq!(refusal(take_back(&ada, eves).await).code, ErrorCode::ResourceNotFound, "once");
    gateway.clock.advance(71 * HOUR);
    assert_eq!(listed(&gateway, own).await, [], "over");
    assert_eq!(refusal(take_back(&ada, dans).await).code, ErrorCode::ResourceNotFound);
    gateway.app.store.close().await;
}

pub async fn an_invitation_is_used_or_taken_back_and_never_both(kind: Kind) {
    let place = payin_tests::gateway::Place::new(kind).await;
    let gateway = Gateway::open(&place.location, 1, Some(super::executed(kind))).await;
    let other = match kind {
        Kind::Sqlite => gateway.clone(),
        Kind::Postgres => Gateway::open(&place.location, 2, Some(super::executed(kind))).await,
    };
    let ada = owner(&gateway).await;
    let eve = invited(&gateway, &ada, Role::Viewer, "eve@shop.example").await.user_id;
    let leave = async || gateway.write(Change::new(&ada, eve.as_str().to_owned(), Deed::Remove)).await.expect("removed");
    leave().await;
    for round in 0..40 {
        let token = gateway.write(Invite::new(&gateway.app, &ada, Role::Member, Some("Eve".to_owned()))).await.expect("an invitation");
        let back = TakeBack::new(&other.app, &ada, mac(&gateway, &ada.organization_id, "Eve").await);
        let known = Accept::known(&gateway.app, token.expose_secret(), eve.clone());
        let (used, taken) = tokio::join!(gateway.write(known), other.write(back));
        let is_member = members::list(&gateway.app, &ada.organization_id).await.expect("members").len() == 2;
        assert_eq!((used.is_ok(), taken.is_ok()), (is_member, !is_member), "round {round}: {used:?} {taken:?}");
        let lost = if is_member { refusal(taken) } else { refusal(used) };
        assert_eq!(lost.code, ErrorCode::ResourceNotFound, "round {round}");
        assert_eq!(place.value("SELECT COUNT(*) FROM invitations").await, "0", "round {round}");
        if is_member {
            leave().await;
        }
    }
    other.app.store.close().await;
    gateway.app.store.close().await;
}

pub async fn a_person_looks_at_their_organizations_and_makes_keys_there(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let (first, _) = gateway.organization("First").await;
    let (second, _) = gateway.organization("Second").await;
    let (other, _) = gateway.organization("Other").await;
    let asked = accounts::NewUser {
        name: None,
        email: "ada@shop.example".to_owned(),
        password: secret(PASSWORD),
        organization: Some("First".to_owned()),
        role: Role::Owner,
    };
    let user = gateway.write(accounts::CreateUser::new(&gateway.app, asked).await.expect("an account")).await.expect("an account").0;
    let join = format!(
        "INSERT INTO memberships (user_id, organization_id, role, created_at) VALUES ('{user}', '{second}', 'viewer', 9999999999999)"
    );
    world.place.execute(&join).await;
    let token = browser::enter(&gateway.app, &user, &first).await.expect("signed in");
    let now = async || recall(gateway, token.expose_secret()).await.expect("signed in");
    assert_eq!(now().await.organizations.len(), 2);
    let make = async |browser: &Browser, role: Role| {
        let request = CreateApiKey { role: Some(role), ..CreateApiKey::new("till") };
        gateway.write(keys::Create::by_person(&gateway.app, &browser.session, Ok(request))).await
    };
    let owner = now().await;
    let key = make(&owner, Role::Owner).await.expect("a key");
    assert_eq!((key.organization_id, key.role), (first.clone(), Role::Owner));
    assert_eq!(refusal(browser::look_at(&gateway.app, &owner, other.as_str()).await).code, ErrorCode::ResourceNotFound);
    browser::look_at(&gateway.app, &owner, second.as_str()).await.expect("another organization");
    let viewer = now().await;
    assert_eq!((viewer.organization.as_str(), &viewer.session.role), ("Second", &Role::Viewer));
    assert_eq!(refusal(make(&viewer, Role::Viewer).await).code, ErrorCode::InsufficientPermissions);
    // What was true when the page was loaded is not true any more.
    world.place.execute(&format!("UPDATE memberships SET role = 'member' WHERE organization_id = '{first}'")).await;
    assert_eq!(refusal(make(&owner, Role::Member).await).code, ErrorCode::InsufficientPermissions);
    world.place.execute(&format!("DELETE FROM memberships WHERE organization_id = '{second}'")).await;
    assert_eq!(now().await.organization, "First", "whoever is no member any more looks at what is left");
    assert_eq!(refusal(make(&viewer, Role::Viewer).await).code, ErrorCode::InvalidApiKey);
    world.place.execute("DELETE FROM memberships").await;
    assert_eq!(refusal(recall(gateway, token.expose_secret()).await).code, ErrorCode::InvalidApiKey);
}

pub async fn who_guesses_is_stopped(kind: Kind) {
    let place = payin_tests::gateway::Place::new(kind).await;
    let gateway = Gateway::open(&place.location, 1, Some(super::executed(kind))).await;
    owner(&gateway).await;
    for _ in 0..20 {
        assert_eq!(refusal(login(&gateway, "ada@shop.example", "wrong horse").await).code, ErrorCode::InvalidApiKey);
        assert_eq!(refusal(login(&gateway, "nobody", "wrong horse").await).code, ErrorCode::InvalidApiKey);
    }
    // Also the right password, and a name that nobody has: nothing is told apart.
    let refused = [login(&gateway, "ADA@shop.example", PASSWORD).await, login(&gateway, "nobody", PASSWORD).await].map(refusal);
    assert_eq!((&refused[0], &refused[0].code), (&refused[1], &ErrorCode::RateLimitExceeded));
    assert_eq!(refused[0].retry_after_s, Some(15 * 60));
    gateway.clock.advance(Duration::from_secs(15 * 60));
    login(&gateway, "ada@shop.example", PASSWORD).await.expect("signed in");
    gateway.app.store.close().await;
}
