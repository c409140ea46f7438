//! Merchants and those who run them: a name is one merchant's, a key is replaced once by each who asks, and what was told is begun anew once,
//! however many ask.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, join_all};
use payin_core::calendar::Day;
use payin_core::delivery::State;
use payin_core::merchant::Takings;
use payin_core::paywarden::{NAME, PayWarden};
use payin_server::app::accounts::{self, CreateUser, NewUser, Session};
use payin_server::app::deliveries::Walk;
use payin_server::app::dialect::merchants::{self, Change, Close, Counted, Create, Made, Rotate, Update};
use payin_server::app::dialect::told::{self, Retry};
use payin_server::app::dialect::{Open, Wish};
use payin_server::app::{access, deliveries, keys};
use payin_server::env::{Answer, Http, Outgoing, SendFault};
use payin_server::store::Failure;
use payin_server::worker::deliver::Deliver;
use payin_server::worker::{Did, Worker as _};
use payin_tests::gateway::{Gateway, Kind, refusal, request};
use payin_types::{CreateApiKey, ErrorCode, EventId, ExposeSecret as _, OrganizationId, Role, SecretString, UserId};

use super::World;
use super::line::{Line, Sent, at};

const COUNTED: fn() -> Counted = || Counted { api: NAME, currency: "USDT".into() };

async fn person(gateway: &Gateway, email: &str, organization: &str, role: Role) -> Result<UserId, Failure> {
    let asked = NewUser {
        name: None,
        email: email.to_owned(),
        password: SecretString::from("correct horse battery"),
        organization: Some(organization.to_owned()),
        role,
    };
    Ok(gateway.write(CreateUser::new(&gateway.app, asked).await?).await?.0)
}

async fn make(gateway: &Gateway, user: &UserId, name: &str) -> Result<Made, Failure> {
    let change = Change { name: Some(name.to_owned()), webhook_url: None };
    gateway.write(Create::new(&gateway.app, user.clone(), Ok(change))).await
}

pub async fn an_operator_makes_people(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    person(gateway, "Alice@shop.example", "Shop", Role::Owner).await.expect("an account");
    for (email, field) in [("alice@SHOP.example", "email: 'alice@SHOP.example' is another"), ("bob", "email: must be")] {
        let refused = refusal(person(gateway, email, "Shop", Role::Admin).await);
        assert!(refused.code == ErrorCode::ValidationError && refused.message.starts_with(field), "{refused:?}");
    }
    let named = NewUser {
        name: Some("ALICE@shop.example".to_owned()),
        email: "carol@shop.example".to_owned(),
        password: SecretString::from("correct horse battery"),
        organization: None,
        role: Role::Viewer,
    };
    let refused = refusal(gateway.write(CreateUser::new(&gateway.app, named).await.expect("well formed")).await);
    assert!(refused.message.starts_with("name: 'ALICE@shop.example' is another"), "{refused:?}");
    // An organization is found by name, and made where there is none; nothing is left of what was refused.
    person(gateway, "bob@shop.example", "Shop", Role::Member).await.expect("an account");
    person(gateway, "dave@shop.example", "Other", Role::Owner).await.expect("an account");
    for (table, rows) in [("users", "3"), ("memberships", "3"), ("organizations", "2")] {
        assert_eq!(world.place.value(&format!("SELECT COUNT(*) FROM {table}")).await, rows, "{table}");
    }
}

pub async fn a_token_is_ended_by_itself(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let servers = world.servers().await;
    let user = person(gateway, "alice@shop.example", "Shop", Role::Owner).await.expect("an account");
    let session = accounts::login(&gateway.app, None, SecretString::from("correct horse battery"), std::net::Ipv4Addr::LOCALHOST.into())
        .await
        .expect("signed in");
    assert_eq!(session.user_id, user);
    let tokens: Vec<SecretString> = (0..2).map(|_| accounts::access_token(&gateway.app, &session, None)).collect();
    let stands = async |gateway: &Gateway, token: &SecretString| accounts::authenticate(&gateway.app, token.expose_secret()).await;
    join_all((0..4).map(|n: usize| accounts::end(&servers[n % servers.len()].app, tokens[0].expose_secret()))).await;
    for server in &servers {
        assert_eq!(refusal(stands(server, &tokens[0]).await).code, ErrorCode::InvalidApiKey, "at once, on every server");
        assert_eq!(stands(server, &tokens[1]).await.expect("another session"), session);
    }
    accounts::end(&gateway.app, "made up").await.expect("nothing to end");
    assert_eq!(world.place.value("SELECT COUNT(*) FROM ended_tokens").await, "1");
    gateway.clock.advance(Duration::from_secs(24 * 60 * 60 + 1));
    let next = accounts::access_token(&gateway.app, &session, None);
    accounts::end(&gateway.app, next.expose_secret()).await.expect("ended");
    assert_eq!(world.place.value("SELECT COUNT(*) FROM ended_tokens").await, "1", "what is over anyway is forgotten");
}

pub async fn a_name_is_one_merchants(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let servers = world.servers().await;
    let alice = person(gateway, "alice@shop.example", "Shop", Role::Owner).await.expect("an account");
    let all = join_all((0..8).map(|n: usize| make(&servers[n % servers.len()], &alice, "Second"))).await;
    let made: Vec<Made> = all.into_iter().filter_map(Result::ok).collect();
    assert_eq!(made.len(), 1, "asked for again, it is not made again");
    let (second, key) = (made[0].merchant.id.clone(), made[0].api_key.clone());
    assert_eq!(refusal(make(gateway, &alice, "Shop").await.map(drop)).code, ErrorCode::InvalidState, "whatever it was made by");
    gateway.clock.advance(Duration::from_secs(1));
    let third = make(gateway, &alice, "Third").await.expect("another").merchant.id;
    let update = |id: &OrganizationId, name: &str| {
        let change = Change { name: Some(name.to_owned()), webhook_url: Some(Some("https://a.example/hook".to_owned())) };
        gateway.write(Update::new(&gateway.app, alice.clone(), id.as_str().to_owned(), Ok(change)))
    };
    assert_eq!(refusal(update(&third, "Second").await).code, ErrorCode::InvalidState);
    update(&third, "Third").await.expect("its own name is no other's");
    assert_eq!(merchants::webhook_url(&gateway.app, &third).await.expect("a URL").as_deref(), Some("https://a.example/hook"));
    assert_eq!(merchants::webhook_url(&gateway.app, &second).await.expect("none"), None);
    let list = async |user: &UserId| {
        let listed = merchants::list(&gateway.app, user, &COUNTED(), (None, None)).await.expect("a list");
        assert_eq!(listed.total, listed.merchants.len() as u64);
        listed.merchants.into_iter().map(|merchant| merchant.name).collect::<Vec<_>>()
    };
    assert_eq!(list(&alice).await[0], "Third");
    let bob = person(gateway, "bob@shop.example", "Bob's", Role::Owner).await.expect("an account");
    assert_eq!(list(&bob).await, ["Bob's"]);
    for id in [second.as_str(), "org_none", "a\0b"] {
        assert_eq!(refusal(merchants::get(&gateway.app, &bob, &COUNTED(), id).await).code, ErrorCode::ResourceNotFound);
        let rotated = gateway.write(Rotate::new(&gateway.app, bob.clone(), id.to_owned())).await;
        assert_eq!(refusal(rotated.map(drop)).code, ErrorCode::ResourceNotFound);
    }

    // Each who asks for another key gets one, and the last stands alone.
    let rotated = join_all((0..6).map(|n: usize| {
        let server = &servers[n % servers.len()];
        server.write(Rotate::new(&server.app, alice.clone(), second.as_str().to_owned()))
    }));
    let rotated: Vec<_> = rotated.await.into_iter().map(|rotated| rotated.expect("a key")).collect();
    gateway.clock.advance(Duration::from_secs(2));
    let mut taken = Vec::new();
    for secret in rotated.iter().map(|rotated| &rotated.key).chain([&key]) {
        taken.extend(access::authenticate(&gateway.app, secret.expose_secret()).await.ok());
    }
    assert_eq!((taken.len(), &taken[0].organization_id, &taken[0].role), (1, &second, &Role::Admin));
    let shown = merchants::get(&gateway.app, &alice, &COUNTED(), second.as_str()).await.expect("a merchant");
    assert_eq!(shown.key_prefix.as_deref(), Some(taken[0].prefix.as_str()));
    let ended = gateway.write(Close::new(&gateway.app, alice.clone(), second.as_str().to_owned())).await.expect("closed");
    assert_eq!(ended, [taken[0].id.clone()]);
    let stats = merchants::stats(&gateway.app, &alice, &COUNTED()).await.expect("statistics");
    assert_eq!((stats.merchants, stats.counts.orders), ((3, 1), 0));
    let viewer = Session { user_id: bob, name: String::new(), email: String::new(), organization_id: second, role: Role::Viewer };
    assert_eq!(merchants::running(&gateway.app, viewer).await.expect("a session").role, Role::Owner, "for the one that he runs");
    // Nobody makes any number of them.
    for n in 0..97 {
        let made = format!(
            "INSERT INTO organizations (id, name, created_at) VALUES ('org_{n}', '{n}', 0);
             INSERT INTO memberships (user_id, organization_id, role, created_at) VALUES ('{alice}', 'org_{n}', 'admin', 0)"
        );
        world.place.execute(&made).await;
    }
    let refused = refusal(make(gateway, &alice, "One more").await.map(drop));
    assert!(refused.code == ErrorCode::InvalidState && refused.message.contains("100 merchants"), "{refused:?}");
    world.place.execute("UPDATE users SET disabled_at = 1").await;
    assert_eq!(refusal(make(gateway, &alice, "Fourth").await.map(drop)).code, ErrorCode::InvalidApiKey);
}

/// Answers as the path says.
struct Shop;

impl Http for Shop {
    fn post(&self, request: Outgoing) -> BoxFuture<'_, Result<Answer, SendFault>> {
        let status = if request.url.path() == "/good" { 200 } else { 500 };
        futures_util::future::ready(Ok(Answer { status, body: Vec::new(), retry_after: None })).boxed()
    }
}

async fn deliver(gateway: &Gateway) {
    let mut worker = Deliver::new(gateway.app.clone(), Arc::new(Shop) as Arc<dyn Http>, Arc::default(), Arc::default());
    while worker.step().await.expect("a step") == Did::Work {}
}

async fn open(gateway: &Gateway, organization: &OrganizationId, name: &str, path: &str) -> (EventId, String) {
    let webhook = Some(("webhook_url", format!("https://a.example/{path}")));
    let wish = Wish { order: request(name), fingerprint: "1".to_owned(), webhook, ends_at: None, is_numbered: false };
    let opened = gateway.write(Open::new(&gateway.app, &PayWarden, organization.clone(), Ok(wish))).await.expect("an order");
    let facts = opened.order.shown.facts;
    (EventId::from(format!("evt_payment_detected_paywarden_{}", facts.id)), facts.address.as_str().to_owned())
}

async fn list(gateway: &Gateway, user: &UserId, state: Option<State>) -> told::Listed {
    let listed = told::list(&gateway.app, user, NAME, (state, None), (None, None)).await.expect("a list");
    assert_eq!(listed.total, listed.deliveries.len() as u64);
    listed
}

/// How many stand in each state.
async fn states(gateway: &Gateway, user: &UserId) -> Vec<u64> {
    let mut found = Vec::new();
    for (state, _) in State::ALL {
        let listed = list(gateway, user, Some(state)).await;
        assert!(listed.deliveries.iter().all(|one| one.progress.state(listed.now) == state), "{state:?}: {listed:?}");
        found.push(listed.total);
    }
    assert_eq!(found.iter().sum::<u64>(), list(gateway, user, None).await.total, "each stands in one place");
    found
}

fn retry(gateway: &Gateway, event: &EventId, user: &UserId) -> Retry {
    Retry { user: user.clone(), api: NAME, id: "wh_1".to_owned(), event: Some(event.clone()), now: gateway.app.clock.now() }
}

pub async fn what_was_told_is_begun_anew_once(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let servers = world.servers().await;
    let organization = gateway.merchant(10).await;
    let name = world.place.value(&format!("SELECT name FROM organizations WHERE id = '{organization}'")).await;
    let alice = person(gateway, "alice@shop.example", &name, Role::Admin).await.expect("an account");
    let mut line = Line::new(gateway, "ethereum-sepolia").await;
    let mut events = Vec::new();
    let mut sent = Vec::new();
    for (name, path) in [("a", "bad"), ("b", "good"), ("c", "bad")] {
        let (event, address) = open(gateway, &organization, name, path).await;
        sent.push(Sent::to(&address, "100.00", &format!("0x{name}")));
        events.push(event);
        gateway.clock.advance(Duration::from_secs(1));
    }
    line.block(at(20), &sent).await;
    let states = async || states(gateway, &alice).await;
    let claims = async |event: &EventId| {
        world.place.value(&format!("SELECT claim FROM deliveries WHERE event_id = '{event}'")).await.parse::<i64>().expect("a number")
    };
    assert_eq!(states().await, [3, 0, 0, 0, 0]);
    // One that waits stays as it is.
    gateway.write(retry(gateway, &events[0], &alice)).await.expect("it is due");
    assert_eq!(claims(&events[0]).await, 0);
    let due = deliveries::due(&gateway.app, &mut Walk::default(), |_| true, gateway.app.clock.now()).await.expect("what is due");
    assert_eq!(due.len(), 1, "all three lead to one server");
    let of = due.into_iter().map(|due| (Arc::new(due.receiver), 1)).take(1).collect();
    let claimed = deliveries::claim(&gateway.app, of, gateway.app.clock.now()).await.expect("a claim");
    assert_eq!(states().await, [2, 1, 0, 0, 0]);
    let refused = refusal(gateway.write(retry(gateway, &claimed[0].event_id, &alice)).await);
    assert!(refused.code == ErrorCode::InvalidState && refused.message.contains("being delivered"), "{refused:?}");
    // A claim of which nothing is heard lapses.
    gateway.clock.advance(deliveries::CLAIM);
    assert_eq!(states().await, [3, 0, 0, 0, 0]);
    // All three lead to one server, which rests for a moment after its second failure: a new lane knows nothing of that.
    deliver(gateway).await;
    deliver(gateway).await;
    assert_eq!(states().await, [0, 0, 1, 2, 0]);
    let refused = refusal(gateway.write(retry(gateway, &events[1], &alice)).await);
    assert!(refused.code == ErrorCode::InvalidState && refused.message.contains("acknowledged"), "{refused:?}");
    // Of many at once, on as many servers as there are, one begins it anew.
    let before = claims(&events[0]).await;
    let all = join_all((0..8).map(|n: usize| {
        let server = &servers[n % servers.len()];
        server.write(retry(gateway, &events[0], &alice))
    }));
    assert!(all.await.iter().all(Result::is_ok));
    assert_eq!((claims(&events[0]).await, states().await), (before + 1, vec![1, 0, 1, 1, 0]));
    deliver(gateway).await;
    let attempts = format!("SELECT COUNT(*) FROM delivery_attempts WHERE event_id = '{}'", events[0]);
    assert_eq!(world.place.value(&attempts).await, "2", "sent once more");
    for _ in 0..12 {
        gateway.clock.advance(Duration::from_secs(600));
        deliver(gateway).await;
    }
    assert_eq!(states().await, [0, 0, 1, 0, 2]);
    gateway.write(retry(gateway, &events[2], &alice)).await.expect("begun anew");
    deliver(gateway).await;
    let listed = list(gateway, &alice, Some(State::Again)).await;
    let one = &listed.deliveries[0];
    assert_eq!((one.progress.attempts, &one.event_id, one.newest.and_then(|(_, status)| status)), (1, &events[2], Some(500)));
    is_nobody_elses(&world, (&alice, &events[2]), &one.object_id).await;
}

/// Not another person's, no other API's, and none that is not.
async fn is_nobody_elses(world: &World, (alice, event): (&UserId, &EventId), object_id: &str) {
    let gateway = &world.gateway;
    let bob = person(gateway, "bob@shop.example", "Bob's", Role::Owner).await.expect("an account");
    let strays = [
        retry(gateway, event, &bob),
        Retry { api: "other", ..retry(gateway, event, alice) },
        Retry { event: None, ..retry(gateway, event, alice) },
        retry(gateway, &"evt_none".into(), alice),
    ];
    for stray in strays {
        assert_eq!(refusal(gateway.write(stray).await).code, ErrorCode::ResourceNotFound);
    }
    let order = payin_core::dialect::order_of(object_id);
    let of_one = told::list(&gateway.app, alice, NAME, (None, order), (None, None)).await.expect("a list");
    assert_eq!(of_one.deliveries.iter().map(|told| &told.event_id).collect::<Vec<_>>(), [event]);
    assert_eq!(told::list(&gateway.app, &bob, NAME, (None, None), (None, None)).await.expect("a list").total, 0);
}

pub async fn what_merchants_come_to_is_exact(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let organization = gateway.merchant(10).await;
    let name = world.place.value(&format!("SELECT name FROM organizations WHERE id = '{organization}'")).await;
    let alice = person(gateway, "alice@shop.example", &name, Role::Owner).await.expect("an account");
    let counted = COUNTED();
    let mut line = Line::new(gateway, "ethereum-sepolia").await;
    let mut sent = Vec::new();
    for (name, amount) in [("a", "100.10"), ("b", "100.20"), ("c", "50")] {
        let (_, address) = open(gateway, &organization, name, "good").await;
        sent.push(Sent::to(&address, amount, &format!("0x{name}")));
    }
    gateway.create(&organization, request("N")).await.expect("a native order, which is not counted");
    line.block(at(20), &sent).await;
    line.blocks(4, at(100)).await;
    line.settle().await;
    let stats = merchants::stats(&gateway.app, &alice, &counted).await.expect("statistics");
    let units = |text: &str| payin_core::Units::from_amount(text.parse().expect("an amount")).expect("units");
    let all = units("200.30");
    assert_eq!((stats.counts.orders, stats.counts.open, stats.counts.paid, stats.received), (3, 0, 2, [all; 3]));
    let today = Day::of(gateway.app.clock.now());
    let daily = merchants::daily(&gateway.app, &alice, &counted, today).await.expect("days");
    assert_eq!(daily, [(today, Takings { orders: 2, received: all })]);
    let merchant = merchants::get(&gateway.app, &alice, &counted, organization.as_str()).await.expect("a merchant");
    assert_eq!(merchant.takings, Takings { orders: 3, received: all });
    // The next day they are not today's, and in another currency or API they are nothing.
    gateway.clock.advance(Duration::from_secs(86_400));
    let stats = merchants::stats(&gateway.app, &alice, &counted).await.expect("statistics");
    assert_eq!((stats.counts.paid, stats.received[0], stats.received[2]), (0, units("0"), all));
    for other in [Counted { api: "cryptopay", ..counted.clone() }, Counted { currency: "USDC".into(), ..counted.clone() }] {
        let stats = merchants::stats(&gateway.app, &alice, &other).await.expect("statistics");
        assert_eq!((stats.counts.orders, stats.received[2]), (0, units("0")), "{other:?}");
    }
}

/// However often somebody who has a key makes others with it while the merchant is closed.
pub async fn a_closed_merchant_has_no_key_left(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let servers = world.servers().await;
    let alice = person(gateway, "alice@shop.example", "Shop", Role::Owner).await.expect("an account");
    for round in 0..12 {
        let made = make(gateway, &alice, &format!("Merchant {round}")).await.expect("a merchant");
        let (id, stolen) = (made.merchant.id, access::authenticate(&gateway.app, made.api_key.expose_secret()).await.expect("a key"));
        let thief = |n: usize| {
            let server = &servers[n % servers.len()];
            let unit = keys::Create::new(&server.app, &stolen, id.as_str().to_owned(), Ok(CreateApiKey::new("x")));
            async move { server.write(unit).await.map(drop) }
        };
        let close = gateway.write(Close::new(&gateway.app, alice.clone(), id.as_str().to_owned()));
        let (_, closed) = futures_util::join!(join_all((0..8).map(thief)), close);
        closed.expect("closed");
        let live = format!("SELECT COUNT(*) FROM api_keys WHERE organization_id = '{id}' AND revoked_at IS NULL");
        assert_eq!(world.place.value(&live).await, "0", "in round {round}");
    }
}

pub async fn a_key_that_ends_is_replaced_by_one_that_ends(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let alice = person(gateway, "alice@shop.example", "Shop", Role::Owner).await.expect("an account");
    let bob = person(gateway, "bob@shop.example", "Bob's", Role::Owner).await.expect("an account");
    // The key of a shop that has several is one that lasts; and what replaces a key that ends, ends with it.
    for (name, owner, keys, ends) in
        [("Shop", &alice, &["5000000000000"][..], "5000000000000"), ("Bob's", &bob, &["5000000000000", ""][..], "")]
    {
        let id = gateway.write(access::Find { organization: Some(name.to_owned()) }).await.expect("found");
        for expires_at in keys {
            gateway.clock.advance(Duration::from_secs(1));
            let secret = access::make_key(&gateway.app);
            let unit = access::CreateKey::new(&gateway.app, secret.expose_secret(), Role::Owner, expires_at, Some(name.to_owned()));
            gateway.write(unit).await.expect("a key");
            let until = if expires_at.is_empty() { "NULL" } else { expires_at };
            let change = format!("UPDATE api_keys SET expires_at = {until} WHERE organization_id = '{id}' AND name = '{expires_at}'");
            world.place.execute(&change).await;
        }
        let rotated = gateway.write(Rotate::new(&gateway.app, owner.clone(), id.as_str().to_owned())).await.expect("a key");
        let until = rotated.expires_at.map(|until| until.millis().to_string()).unwrap_or_default();
        let of = |what: &str, rest: &str| format!("SELECT {what} FROM api_keys WHERE organization_id = '{id}' AND {rest}");
        let replaced = world.place.value(&of("name", "revoked_at IS NOT NULL")).await;
        assert_eq!((replaced.as_str(), until.as_str(), rotated.old.is_some()), (ends, ends, true));
        let newest = world
            .place
            .value(&of("COALESCE(CAST(expires_at AS TEXT), '')", "revoked_at IS NULL ORDER BY created_at DESC, id LIMIT 1"))
            .await;
        assert_eq!(newest, ends, "{name}");
    }
}
