//! People: an address and a name are one account's, who signs in is who they are now, and a session is prolonged by each token once.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use futures_util::future::join_all;
use payin_server::app::access;
use payin_server::app::accounts::operator::Operate;
use payin_server::app::accounts::{self, Register, Registration, Session};
use payin_server::app::dialect::merchants::{Change, Update};
use payin_server::store::Failure;
use payin_tests::gateway::{Gateway, Kind, refusal};
use payin_types::{ErrorCode, ExposeSecret as _, Role, SecretString};

use super::World;

/// Where everybody signs in from.
const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

const PASSWORD: &str = "correct horse battery";

async fn register(gateway: &Gateway, name: Option<&str>, email: &str) -> Result<Session, Failure> {
    let asked = Registration {
        name: name.map(str::to_owned),
        email: email.to_owned(),
        password: SecretString::from(PASSWORD),
        organization: ("shop_name", format!("Shop of {email}")),
    };
    gateway.write(Register::new(&gateway.app, asked).await?).await
}

async fn login(gateway: &Gateway, login: Option<&str>, password: &str) -> Result<Session, Failure> {
    accounts::login(&gateway.app, login, SecretString::from(password), HERE).await
}

pub async fn what_somebody_calls_theirs_is_not_taken_for_the_operators(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let session = register(gateway, None, "mallory@shop.example").await.expect("an account");
    let mallory = session.organization_id.clone();
    let taken = world.place.value("SELECT name FROM organizations").await;
    let key_of = async |organization: Option<&str>| {
        let secret = access::make_key(&gateway.app);
        let organization = organization.map(str::to_owned);
        let unit = access::CreateKey::new(&gateway.app, secret.expose_secret(), Role::Owner, "a key", organization);
        gateway.write(unit).await.map(|_| ())?;
        access::authenticate(&gateway.app, secret.expose_secret()).await.map(|key| key.organization_id.clone())
    };
    let find = async |organization: &str| gateway.write(access::Find { organization: Some(organization.to_owned()) }).await;
    assert_eq!(refusal(find(&taken).await).code, ErrorCode::ValidationError, "the operator has none of that name yet");
    // Neither the only organization there is, nor one that is called like it; both times one is made, once.
    let first = key_of(None).await.expect("a key");
    let like_it = key_of(Some(&taken)).await.expect("a key");
    assert!(first != mallory && like_it != mallory && first != like_it);
    assert_eq!((key_of(Some(&taken)).await.expect("a key"), find(&taken).await.expect("found")), (like_it.clone(), like_it));
    assert_eq!(world.place.value("SELECT COUNT(*) FROM organizations").await, "3");
    // By its id it is what is meant.
    assert_eq!(key_of(Some(mallory.as_str())).await.expect("a key"), mallory);
    assert!(refusal(key_of(Some("org_nobodys")).await).message.contains("none has the id org_nobodys"));
    assert!(refusal(key_of(None).await).message.contains("there are several"));
    // Nor one of the operator's that its owner has renamed since: the operator goes on calling it what they called it.
    let join = format!(
        "INSERT INTO memberships (user_id, organization_id, role, created_at) VALUES ('{}', '{first}', 'owner', 0)",
        session.user_id
    );
    world.place.execute(&join).await;
    let treasury = Change { name: Some("Treasury".to_owned()), webhook_url: None };
    gateway.write(Update::new(&gateway.app, session.user_id, first.to_string(), Ok(treasury))).await.expect("renamed");
    assert_eq!(refusal(find("Treasury").await).code, ErrorCode::ValidationError);
    assert_eq!(find("My organization").await.expect("found"), first);
    assert_ne!(key_of(Some("Treasury")).await.expect("a key"), first);
    world.place.execute(&format!("UPDATE organizations SET operator_name = '{taken}' WHERE operator_name IS NOT NULL")).await;
    assert!(refusal(key_of(Some(&taken)).await).message.contains("say which by its id"));
}

pub async fn people_register_once_and_sign_in(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    // Two at once, on as many servers as there are: one account.
    let servers = world.servers().await;
    let all = join_all((0..4).map(|n: usize| register(&servers[n % servers.len()], Some("alice"), "Alice@Shop.example"))).await;
    let made: Vec<Session> = all.into_iter().filter_map(Result::ok).collect();
    assert_eq!(made.len(), 1);
    let alice = made[0].clone();
    assert_eq!((alice.email.as_str(), &alice.role), ("Alice@Shop.example", &Role::Owner));
    for (table, rows) in [("users", "1"), ("memberships", "1"), ("organizations", "1")] {
        assert_eq!(world.place.value(&format!("SELECT COUNT(*) FROM {table}")).await, rows, "{table}");
    }
    assert!(world.place.value("SELECT password_hash FROM users").await.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
    for (name, email) in [(Some("bob"), "alice@shop.EXAMPLE"), (Some("ALICE"), "bob@shop.example")] {
        assert_eq!(refusal(register(gateway, name, email).await).code, ErrorCode::ValidationError, "{email}");
    }
    // The only one need not say who she is; of two each must.
    for name in [None, Some("alice"), Some(" ALICE@shop.example ")] {
        assert_eq!(login(gateway, name, PASSWORD).await.expect("signed in"), alice, "{name:?}");
    }
    register(gateway, None, "bob@shop.example").await.expect("another account");
    assert_eq!(refusal(login(gateway, None, PASSWORD).await).code, ErrorCode::ValidationError);
    let wrong = [login(gateway, Some("alice"), "wrong horse battery").await, login(gateway, Some("nobody"), PASSWORD).await].map(refusal);
    assert_eq!((&wrong[0], &wrong[0].code), (&wrong[1], &ErrorCode::InvalidApiKey), "which of the two is wrong is not told");

    let token = accounts::access_token(&gateway.app, &alice, None);
    let now = async || accounts::authenticate(&gateway.app, token.expose_secret()).await;
    assert_eq!(now().await.expect("signed in"), alice);
    world.place.execute(&format!("UPDATE memberships SET role = 'viewer' WHERE user_id = '{}'", alice.user_id)).await;
    assert_eq!(now().await.expect("signed in").role, Role::Viewer, "who they are now, not when they signed in");
    gateway.clock.advance(Duration::from_secs(24 * 60 * 60));
    assert_eq!(refusal(now().await).code, ErrorCode::InvalidApiKey);
    world.place.execute("UPDATE users SET disabled_at = 1 WHERE name = 'alice'").await;
    assert_eq!(refusal(login(gateway, Some("alice"), PASSWORD).await).code, ErrorCode::InvalidApiKey);
}

pub async fn a_session_is_prolonged_by_each_token_once(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let servers = world.servers().await;
    let alice = register(gateway, Some("alice"), "alice@shop.example").await.expect("an account");
    let open = async || accounts::open_session(&gateway.app, alice.user_id.clone()).await.expect("a session");
    let prolong = async |token: &str| accounts::prolong(&gateway.app, token).await;
    let first = open().await;
    let elsewhere = accounts::access_token(&gateway.app, &alice, Some(&open().await.family));
    let second = prolong(first.refresh.expose_secret()).await.expect("prolonged");
    assert_eq!((&second.session, &second.family), (&alice, &first.family));
    let third = prolong(second.refresh.expose_secret()).await.expect("prolonged again");
    // Whoever has stolen the first ends it for all, himself included, and what he has got already, at this very moment, too.
    let token = accounts::access_token(&gateway.app, &alice, Some(&third.family));
    let authenticate = async |token: &SecretString| accounts::authenticate(&gateway.app, token.expose_secret()).await;
    assert_eq!(authenticate(&token).await.expect("signed in"), alice);
    // However often he sends it, nobody is signed out of anything else.
    for _ in 0..3 {
        assert_eq!(refusal(prolong(first.refresh.expose_secret()).await).code, ErrorCode::InvalidApiKey);
        assert_eq!(refusal(authenticate(&token).await).code, ErrorCode::InvalidApiKey);
        assert_eq!(authenticate(&elsewhere).await.expect("still signed in"), alice);
    }
    assert_eq!(refusal(prolong(third.refresh.expose_secret()).await).code, ErrorCode::InvalidApiKey);
    // Another session is another family. Of several at once with one token one is prolonged.
    let other = open().await.refresh.expose_secret().to_owned();
    let all = join_all((0..6).map(|n: usize| accounts::prolong(&servers[n % servers.len()].app, &other))).await;
    assert_eq!(all.iter().filter(|prolonged| prolonged.is_ok()).count(), 1);
    let late = open().await.refresh.expose_secret().to_owned();
    gateway.clock.advance(Duration::from_secs(30 * 24 * 60 * 60));
    assert_eq!(refusal(prolong(&late).await).code, ErrorCode::InvalidApiKey);
    assert_eq!(refusal(prolong("made up").await).code, ErrorCode::InvalidApiKey);
    gateway.clock.advance(Duration::from_secs(1));
    open().await;
    assert_eq!(world.place.value("SELECT COUNT(*) FROM refresh_tokens").await, "1", "what is over is forgotten");
    assert_eq!(world.place.value("SELECT COUNT(*) FROM refresh_tokens WHERE mac LIKE '%made%'").await, "0");
}

pub async fn whoever_is_shut_out_has_nothing_left(kind: Kind) {
    let world = World::new(kind).await;
    let (gateway, app) = (&world.gateway, &world.gateway.app);
    let alice = register(gateway, Some("alice"), "alice@shop.example").await.expect("an account");
    let bob = register(gateway, Some("bob"), "bob@shop.example").await.expect("an account");
    let begin = async || {
        let opened = accounts::open_session(app, alice.user_id.clone()).await.expect("a session");
        let tokens = [None, Some(opened.family.as_str())].map(|family| accounts::access_token(app, &alice, family));
        (opened.refresh, tokens)
    };
    let is_out = async |(refresh, tokens): &(SecretString, [SecretString; 2])| {
        for token in tokens {
            assert_eq!(refusal(accounts::authenticate(app, token.expose_secret()).await).code, ErrorCode::InvalidApiKey);
        }
        assert_eq!(refusal(accounts::prolong(app, refresh.expose_secret()).await).code, ErrorCode::InvalidApiKey);
    };
    let theirs = accounts::access_token(app, &bob, None);
    let before = begin().await;
    gateway.clock.advance(Duration::from_secs(1));
    gateway.write(Operate::disable(app, " Alice@Shop.example ")).await.expect("shut out");
    is_out(&before).await;
    assert_eq!(refusal(login(gateway, Some("alice"), PASSWORD).await).code, ErrorCode::InvalidApiKey);
    // Let in again, she signs in anew: what was begun before is over.
    gateway.write(Operate::enable(app, "alice")).await.expect("let in");
    is_out(&before).await;
    login(gateway, Some("alice"), PASSWORD).await.expect("signed in");
    let since = begin().await;
    gateway.clock.advance(Duration::from_secs(1));
    let other = Operate::set_password(app, "alice", SecretString::from("another horse battery")).await.expect("a password");
    gateway.write(other).await.expect("another password");
    is_out(&since).await;
    assert_eq!(refusal(login(gateway, Some("alice"), PASSWORD).await).code, ErrorCode::InvalidApiKey);
    login(gateway, Some("alice"), "another horse battery").await.expect("signed in");
    accounts::authenticate(app, theirs.expose_secret()).await.expect("nobody else is signed out");
    assert_eq!(refusal(gateway.write(Operate::disable(app, "carol")).await).code, ErrorCode::ResourceNotFound);
}
