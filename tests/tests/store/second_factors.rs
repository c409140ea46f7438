//! People's second factors: set up, asked for at every door, used up once, turned off, lost.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use futures_util::future::join_all;
use payin_core::totp;
use payin_server::app::accounts::browser::{self, Browser};
use payin_server::app::accounts::operator::Operate;
use payin_server::app::accounts::second_factor::{self, Confirmed, Standing};
use payin_server::app::accounts::sign_in::{self, Entry};
use payin_server::app::accounts::{self, NewUser, Opened};
use payin_server::store::Failure;
use payin_tests::gateway::{Gateway, Kind, refusal};
use payin_types::{ErrorCode, ExposeSecret as _, Role, SecretString};

use super::World;

const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const EMAIL: &str = "ada@shop.example";
const PASSWORD: &str = "correct horse, battery";
const STEP: Duration = Duration::from_secs(30);

fn secret(text: &str) -> SecretString {
    SecretString::from(text.to_owned())
}

/// Somebody who is signed in at the dashboard.
struct Ada<'a> {
    gateway: &'a Gateway,
    here: Browser,
}

impl<'a> Ada<'a> {
    async fn new(gateway: &'a Gateway) -> Self {
        gateway.organization("Shop").await;
        let organization = Some("Shop".to_owned());
        let asked = NewUser { name: None, email: EMAIL.to_owned(), password: secret(PASSWORD), organization, role: Role::Owner };
        gateway.write(accounts::CreateUser::new(&gateway.app, asked).await.expect("an account")).await.expect("an account");
        let here = whole(gateway).await;
        Self { gateway, here }
    }

    async fn standing(&self) -> Standing {
        second_factor::standing(&self.gateway.app, &self.here).await.expect("a standing")
    }

    /// The secret that is being set up.
    async fn secret(&self) -> Vec<u8> {
        let Standing::Begun { secret, uri } = self.standing().await else { panic!("nothing is being set up") };
        assert!(uri.expose_secret().contains(secret.expose_secret()) && uri.expose_secret().contains("ada%40shop.example"));
        totp::read(secret.expose_secret()).expect("a secret")
    }

    async fn begin(&self, password: &str) -> Result<(), Failure> {
        second_factor::begin(&self.gateway.app, &self.here, HERE, secret(password)).await
    }

    async fn confirm(&self, code: &str) -> Result<Confirmed, Failure> {
        second_factor::confirm(&self.gateway.app, &self.here, HERE, code).await
    }

    async fn turn_off(&self, password: &str, code: &str) -> Result<(), Failure> {
        second_factor::turn_off(&self.gateway.app, &self.here, HERE, secret(password), code).await
    }

    /// Has it on: the secret, and the recovery codes.
    async fn turned_on(&mut self) -> (Vec<u8>, Vec<String>) {
        self.begin(PASSWORD).await.expect("begun");
        let key = self.secret().await;
        let confirmed = self.confirm(&now(self.gateway, &key)).await.expect("on");
        self.here = browser::recall(&self.gateway.app, confirmed.token.expose_secret()).await.expect("signed in");
        (key, confirmed.recovery_codes.iter().map(|code| code.expose_secret().to_owned()).collect())
    }
}

/// The code of this moment.
fn now(gateway: &Gateway, key: &[u8]) -> String {
    totp::code(key, totp::step(gateway.app.clock.now()))
}

async fn enter(gateway: &Gateway) -> Result<Entry, Failure> {
    sign_in::enter(&gateway.app, EMAIL, secret(PASSWORD), HERE).await
}

async fn whole(gateway: &Gateway) -> Browser {
    let Entry::Whole(token) = enter(gateway).await.expect("the password is right") else { panic!("a code is asked for") };
    browser::recall(&gateway.app, token.expose_secret()).await.expect("signed in")
}

async fn half(gateway: &Gateway) -> String {
    let Entry::Half(ticket) = enter(gateway).await.expect("the password is right") else { panic!("no code is asked for") };
    ticket.expose_secret().to_owned()
}

async fn finish(gateway: &Gateway, ticket: &str, code: &str) -> Result<SecretString, Failure> {
    sign_in::finish(&gateway.app, ticket, code, HERE).await
}

async fn at_an_api(gateway: &Gateway, password: &str) -> Result<accounts::Session, Failure> {
    accounts::login(&gateway.app, Some(EMAIL), secret(password), HERE).await
}

pub async fn a_second_factor_is_set_up_asked_for_and_turned_off(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let mut ada = Ada::new(gateway).await;
    assert!(matches!(ada.standing().await, Standing::Off));
    assert_eq!(refusal(ada.confirm("123456").await).code, ErrorCode::InvalidState, "nothing is being set up");
    assert_eq!(refusal(ada.begin("wrong horse").await).code, ErrorCode::InsufficientPermissions);
    ada.begin(PASSWORD).await.expect("begun");
    let first = ada.secret().await;
    ada.begin(PASSWORD).await.expect("begun anew");
    let key = ada.secret().await;
    assert_ne!(first, key);
    let kept = world.place.value("SELECT secret FROM second_factors").await;
    assert!(!kept.contains(&totp::written(&key)), "the secret is sealed");
    // Nothing counts before a code was shown.
    let elsewhere = whole(gateway).await;
    at_an_api(gateway, PASSWORD).await.expect("signed in");
    for wrong in ["", "000000", &now(gateway, &first)] {
        assert_eq!(refusal(ada.confirm(wrong).await).code, ErrorCode::InsufficientPermissions, "{wrong}");
    }
    let Opened { refresh, .. } = accounts::open_session(&gateway.app, elsewhere.session.user_id.clone()).await.expect("a session");
    gateway.clock.advance(Duration::from_secs(1));
    let code = now(gateway, &key);
    let confirmed = ada.confirm(&code).await.expect("on");
    assert_eq!(confirmed.recovery_codes.len(), 10);
    // What was begun with the password alone is over.
    assert_eq!(refusal(accounts::prolong(&gateway.app, refresh.expose_secret()).await).code, ErrorCode::InvalidApiKey);
    ada.here = browser::recall(&gateway.app, confirmed.token.expose_secret()).await.expect("signed in");
    assert!(matches!(ada.standing().await, Standing::On(10)));
    assert_eq!(refusal(ada.begin(PASSWORD).await).code, ErrorCode::InvalidState);
    assert_eq!(refusal(ada.confirm(&code).await).code, ErrorCode::InvalidState);

    // The password is half the way; the code that turned it on was used with that.
    let ticket = half(gateway).await;
    for wrong in ["", "000000", &code, "<b>", PASSWORD] {
        assert_eq!(refusal(finish(gateway, &ticket, wrong).await).code, ErrorCode::InvalidApiKey, "{wrong}");
    }
    gateway.clock.advance(STEP);
    let code = now(gateway, &key);
    for other in ["", "made up", &ticket[1..], &ticket.replace("usr_", "usr_x")] {
        assert_eq!(refusal(finish(gateway, other, &code).await).code, ErrorCode::InvalidState, "{other}");
    }
    let token = finish(gateway, &ticket, &format!("{} {}", &code[..3], &code[3..])).await.expect("signed in");
    browser::recall(&gateway.app, token.expose_secret()).await.expect("signed in");
    assert_eq!(refusal(finish(gateway, &ticket, &code).await).code, ErrorCode::InvalidApiKey, "it was used");
    // Nor is it good for five minutes, or with another password.
    gateway.clock.advance(Duration::from_secs(5 * 60) - STEP);
    assert_eq!(refusal(finish(gateway, &ticket, &now(gateway, &key)).await).code, ErrorCode::InvalidState);

    // Other APIs have no place for a code but behind the password.
    let says = refusal(at_an_api(gateway, PASSWORD).await);
    assert!(says.code == ErrorCode::InvalidApiKey && says.message.contains("a comma and a code"), "{says:?}");
    let code = now(gateway, &key);
    for wrong in [format!("{PASSWORD},000000"), format!("wrong horse,{code}"), format!("{PASSWORD}{code}"), format!(",{code}")] {
        assert_eq!(refusal(at_an_api(gateway, &wrong).await).code, ErrorCode::InvalidApiKey, "{wrong}");
    }
    at_an_api(gateway, &format!("{PASSWORD},{code}")).await.expect("signed in");
    assert_eq!(refusal(at_an_api(gateway, &format!("{PASSWORD},{code}")).await).code, ErrorCode::InvalidApiKey, "it was used");

    gateway.clock.advance(STEP);
    let code = now(gateway, &key);
    for (password, wrong) in [("wrong horse", code.as_str()), (PASSWORD, "000000")] {
        assert_eq!(refusal(ada.turn_off(password, wrong).await).code, ErrorCode::InsufficientPermissions);
    }
    assert!(matches!(ada.standing().await, Standing::On(10)));
    ada.turn_off(PASSWORD, &code).await.expect("off");
    assert!(matches!(ada.standing().await, Standing::Off));
    whole(gateway).await;
    at_an_api(gateway, PASSWORD).await.expect("signed in");
    for table in ["second_factors", "recovery_codes"] {
        assert_eq!(world.place.value(&format!("SELECT COUNT(*) FROM {table}")).await, "0", "{table}");
    }
}

pub async fn of_several_who_show_one_code_one_comes_in(kind: Kind) {
    let world = World::new(kind).await;
    let servers = world.servers().await;
    let mut ada = Ada::new(&world.gateway).await;
    let (key, recovery) = ada.turned_on().await;
    for server in &servers {
        server.clock.advance(STEP);
    }
    let ticket = half(&world.gateway).await;
    for shown in [now(&world.gateway, &key), recovery[3].clone()] {
        let (ticket, shown, servers) = (&ticket, &shown, &servers);
        let all = join_all((0..6).map(|n: usize| async move { finish(&servers[n % servers.len()], ticket, shown).await })).await;
        let (taken, refused): (Vec<_>, Vec<_>) = all.into_iter().partition(Result::is_ok);
        assert_eq!(taken.len(), 1, "{shown}");
        for one in refused {
            assert_eq!(refusal(one).code, ErrorCode::InvalidApiKey);
        }
    }
    // A code of the step before is taken only if nothing newer was.
    for server in &servers {
        server.clock.advance(STEP);
    }
    let step = totp::step(world.gateway.app.clock.now());
    finish(&world.gateway, &ticket, &totp::code(&key, step + 1)).await.expect("a phone that is fast");
    for older in [step, step - 1, step + 1] {
        assert_eq!(refusal(finish(&world.gateway, &ticket, &totp::code(&key, older)).await).code, ErrorCode::InvalidApiKey);
    }
}

pub async fn recovery_codes_stand_in_for_a_phone_once(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let mut ada = Ada::new(gateway).await;
    let (_, recovery) = ada.turned_on().await;
    let ticket = half(gateway).await;
    for kept in world.place.rows("SELECT mac FROM recovery_codes").await {
        assert!(recovery.iter().all(|code| !kept[0].contains(code.as_str())), "the codes are nowhere");
    }
    finish(gateway, &ticket, &recovery[0].to_lowercase().replace('-', " ")).await.expect("signed in");
    assert_eq!(refusal(finish(gateway, &ticket, &recovery[0]).await).code, ErrorCode::InvalidApiKey, "it was used");
    at_an_api(gateway, &format!("{PASSWORD},{}", recovery[1])).await.expect("signed in");
    assert!(matches!(ada.standing().await, Standing::On(8)));
    // Another person's are not hers.
    let asked = NewUser {
        name: None,
        email: "bob@shop.example".to_owned(),
        password: secret(PASSWORD),
        organization: Some("Shop".to_owned()),
        role: Role::Viewer,
    };
    gateway.write(accounts::CreateUser::new(&gateway.app, asked).await.expect("an account")).await.expect("an account");
    let Ok(Entry::Whole(token)) = sign_in::enter(&gateway.app, "bob@shop.example", secret(PASSWORD), HERE).await else { panic!("bob") };
    let mut bob = Ada { gateway, here: browser::recall(&gateway.app, token.expose_secret()).await.expect("signed in") };
    bob.begin(PASSWORD).await.expect("begun");
    let Standing::Begun { secret: key, .. } = bob.standing().await else { panic!("begun") };
    let key = totp::read(key.expose_secret()).expect("a secret");
    let confirmed = bob.confirm(&now(gateway, &key)).await.expect("on");
    bob.here = browser::recall(&gateway.app, confirmed.token.expose_secret()).await.expect("signed in");
    assert_eq!(refusal(bob.turn_off(PASSWORD, &recovery[2]).await).code, ErrorCode::InsufficientPermissions);
    bob.turn_off(PASSWORD, confirmed.recovery_codes[9].expose_secret()).await.expect("off");
    assert!(matches!(ada.standing().await, Standing::On(8)), "hers stay");
}

pub async fn an_operator_takes_a_lost_second_factor_away(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let mut ada = Ada::new(gateway).await;
    let (key, _) = ada.turned_on().await;
    gateway.clock.advance(STEP);
    let token = finish(gateway, &half(gateway).await, &now(gateway, &key)).await.expect("signed in");
    let ticket = half(gateway).await;
    // Another password alone does not let anybody past it, and ends what was begun with the one before.
    gateway.clock.advance(STEP);
    let other = Operate::set_password(&gateway.app, EMAIL, secret(PASSWORD)).await.expect("a password");
    gateway.write(other).await.expect("another password");
    assert_eq!(refusal(finish(gateway, &ticket, &now(gateway, &key)).await).code, ErrorCode::InvalidState);
    half(gateway).await;
    gateway.write(Operate::forget_second_factor(&gateway.app, " Ada@shop.example")).await.expect("taken away");
    whole(gateway).await;
    assert_eq!(refusal(browser::recall(&gateway.app, token.expose_secret()).await).code, ErrorCode::InvalidApiKey);
    assert_eq!(refusal(gateway.write(Operate::forget_second_factor(&gateway.app, "nobody")).await).code, ErrorCode::ResourceNotFound);
    // Of somebody who has none there is nothing to take away.
    gateway.write(Operate::forget_second_factor(&gateway.app, EMAIL)).await.expect("nothing to do");
}

pub async fn codes_are_guessed_no_more_than_passwords(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let mut ada = Ada::new(gateway).await;
    let (key, _) = ada.turned_on().await;
    gateway.clock.advance(STEP);
    let code = now(gateway, &key);
    for _ in 0..19 {
        // Whoever knows the password does not begin anew with it, however it is shown.
        let ticket = half(gateway).await;
        assert_eq!(refusal(finish(gateway, &ticket, "000000").await).code, ErrorCode::InvalidApiKey);
        assert_eq!(refusal(ada.begin(PASSWORD).await).code, ErrorCode::InvalidState);
    }
    let ticket = half(gateway).await;
    assert_eq!(refusal(ada.turn_off(PASSWORD, "000000").await).code, ErrorCode::InsufficientPermissions);
    let refused = [
        finish(gateway, &ticket, &code).await.map(drop),
        ada.turn_off(PASSWORD, &code).await,
        at_an_api(gateway, PASSWORD).await.map(drop),
    ];
    for refused in refused.map(refusal) {
        assert_eq!(refused.code, ErrorCode::RateLimitExceeded);
    }
    gateway.clock.advance(Duration::from_secs(15 * 60));
    finish(gateway, &half(gateway).await, &now(gateway, &key)).await.expect("signed in");
}
