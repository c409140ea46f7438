//! Whose turn it is: nobody's receivers delay another's. What is sent, and what is recorded of it, is in `sending.rs`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use payin_server::app::deliveries::{self, Walk, receiver_at};
use payin_server::env::{Answer, Http, Outgoing, SendFault};
use payin_server::worker::deliver::{Deliver, LANES, LINGERING_MAX, PLACES, Queue, SLOW_PLACES, UNPROVEN_MAX};
use payin_server::worker::{Did, Worker as _};
use payin_tests::gateway::{Gateway, Kind};
use payin_types::{EndpointId, OrganizationId};
use tokio::sync::Notify;
use tokio::task::JoinSet;

use super::World;
use super::outbox::{Receiver, endpoint, tell};

/// Receivers of which some hang for ever.
struct HalfDead {
    dead: BTreeSet<String>,
    hanging: Mutex<BTreeMap<String, usize>>,
    living: Arc<Receiver>,
}

impl HalfDead {
    fn hanging(&self) -> usize {
        self.hanging.lock().unwrap().values().sum()
    }
}

impl Http for HalfDead {
    fn post(&self, request: Outgoing) -> BoxFuture<'_, Result<Answer, SendFault>> {
        if !self.dead.contains(request.url.as_str()) {
            return self.living.post(request);
        }
        *self.hanging.lock().unwrap().entry(request.url.to_string()).or_default() += 1;
        futures_util::future::pending().boxed()
    }
}

/// Receivers that answer their first [`GOOD`] requests, and then hang; but for one, which goes on.
struct TurnsBad {
    good: String,
    posts: Mutex<BTreeMap<String, usize>>,
    living: Arc<Receiver>,
}

const GOOD: usize = 20;

impl TurnsBad {
    fn hanging(&self) -> usize {
        self.posts.lock().unwrap().iter().map(|(url, posts)| if *url == self.good { 0 } else { posts.saturating_sub(GOOD) }).sum()
    }
}

impl Http for TurnsBad {
    fn post(&self, request: Outgoing) -> BoxFuture<'_, Result<Answer, SendFault>> {
        let url = request.url.to_string();
        let mut posts = self.posts.lock().unwrap();
        let count = posts.entry(url.clone()).or_default();
        *count += 1;
        if url == self.good || *count <= GOOD { self.living.post(request) } else { futures_util::future::pending().boxed() }
    }
}

/// The lanes of a server, each in a task that waits as the driver does.
pub fn start(gateway: &Gateway, http: &Arc<dyn Http>, count: usize, lanes: &mut JoinSet<()>) {
    let (queue, wake) = (Arc::<Queue>::default(), Arc::<Notify>::default());
    for _ in 0..count {
        let mut lane = Deliver::new(gateway.app.clone(), Arc::clone(http), Arc::clone(&queue), Arc::clone(&wake));
        let wake = Arc::clone(&wake);
        lanes.spawn(async move {
            loop {
                let woken = wake.notified();
                if lane.step().await.expect("a step") != Did::Work {
                    let _ = tokio::time::timeout(Duration::from_millis(100), woken).await;
                }
            }
        });
    }
}

pub async fn until(what: impl Fn() -> bool, said: impl Fn() -> String) {
    let came = async {
        while !what() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    assert!(tokio::time::timeout(Duration::from_secs(40), came).await.is_ok(), "{}", said());
}

pub async fn endpoints(gateway: &Gateway, organization: &OrganizationId, count: usize) -> Vec<EndpointId> {
    let mut all = Vec::new();
    for _ in 0..count {
        all.push(endpoint(gateway, organization, "[\"*\"]").await);
    }
    all
}

/// Endpoints that orders of an API brought along, all of one organization's, each leading to one of the URLs.
pub async fn brought_along(world: &World, organization: &OrganizationId, api: &str, urls: &[String]) -> Vec<EndpointId> {
    let mut all = Vec::new();
    for (number, url) in urls.iter().enumerate() {
        // No more fit into an organization until they are an order's own.
        let id = endpoint(&world.gateway, organization, "[\"*\"]").await;
        let change = format!("UPDATE webhook_endpoints SET api = '{api}', receiver = '{}'", receiver_at(url, &id));
        world.place.execute(&format!("{change}, order_id = 'ord_{organization}_{number}', url = '{url}' WHERE id = '{id}'")).await;
        all.push(id);
    }
    all
}

pub async fn url(world: &World, id: &EndpointId) -> String {
    world.place.value(&format!("SELECT url FROM webhook_endpoints WHERE id = '{id}'")).await
}

pub async fn those_that_hang_delay_nobody_else(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let organization = gateway.merchant(0).await;
    // Nearly three times as many as there are places, told first, three events each; none of them ever answers. No organization could have
    // them all.
    let (mut doomed, mut dead) = (0, BTreeSet::new());
    let living = endpoints(gateway, &organization, 6).await;
    while doomed < PLACES * 2 + SLOW_PLACES / 4 {
        let unlucky = gateway.merchant(0).await;
        let theirs = endpoints(gateway, &unlucky, 8).await;
        doomed += theirs.len();
        for id in &theirs {
            dead.insert(url(&world, id).await);
        }
        tell(gateway, &unlucky, 3, &theirs).await;
    }
    let http = Arc::new(HalfDead { dead, hanging: Mutex::default(), living: Receiver::answering(200) });
    gateway.clock.advance(Duration::from_secs(1));
    let mut lanes = JoinSet::new();
    start(gateway, &(Arc::clone(&http) as Arc<dyn Http>), LANES, &mut lanes);
    let said = || format!("{} were told while {} hang", http.living.count(), http.hanging());
    until(|| http.hanging() >= PLACES, said).await;
    assert_eq!(http.hanging(), PLACES, "no more than there are places hang at first");
    tell(gateway, &organization, 20, &living).await;
    // Places are held for a second at most, so all of them have been tried then, and the living have their turns.
    for _ in 0..4 {
        gateway.clock.advance(Duration::from_secs(1));
        let before = http.hanging();
        // All places are taken again, or nobody new is left to take them.
        until(|| http.living.count() >= 120 || http.hanging() >= before + PLACES, said).await;
    }
    until(|| http.living.count() >= 120, said).await;
    // What is under way while the clock jumps would count as slow.
    while world.place.value("SELECT COUNT(*) FROM deliveries WHERE delivered_at IS NOT NULL").await != "120" {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // What hangs is due again by its claim's end, and yet not sent again beside itself; the others go on.
    gateway.clock.advance(Duration::from_secs(60));
    tell(gateway, &organization, 5, &living).await;
    until(|| http.living.count() >= 150, said).await;
    lanes.shutdown().await;
    assert_eq!(http.living.count(), 150, "each once");
    let hanging = http.hanging.lock().unwrap();
    assert!(hanging.values().all(|count| *count <= 2), "one, and another to find out whether all do: {hanging:?}");
}

pub async fn those_that_turn_bad_together_delay_nobody_else(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let organization = gateway.merchant(0).await;
    // They answer well, so that each may have many under way and as many waiting.
    let busy = endpoints(gateway, &organization, 12).await;
    let small = endpoint(gateway, &organization, "[\"*\"]").await;
    let http = Arc::new(TurnsBad { good: url(&world, &small).await, posts: Mutex::default(), living: Receiver::answering(200) });
    tell(gateway, &organization, 40, &busy).await;
    let mut lanes = JoinSet::new();
    start(gateway, &(Arc::clone(&http) as Arc<dyn Http>), LANES, &mut lanes);
    let said = || format!("{} were told while {} hang", http.living.count(), http.hanging());
    until(|| http.hanging() >= PLACES, said).await;
    gateway.clock.advance(Duration::from_millis(500));
    tell(gateway, &organization, 1, std::slice::from_ref(&small)).await;
    let is_told = || http.living.urls().contains(&http.good);
    for _ in 0..4 {
        gateway.clock.advance(Duration::from_millis(500));
        let soon = tokio::time::Instant::now() + Duration::from_millis(500);
        until(|| is_told() || tokio::time::Instant::now() > soon, said).await;
    }
    assert!(is_told(), "two seconds later the one event is not sent: {}", said());
    lanes.shutdown().await;
}

/// More of them than there are places, each of which had answered well: an organization that goes on and on like this ends at its own bound.
pub async fn an_organization_whose_receivers_turn_bad_delays_no_other(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let (unlucky, other) = (gateway.merchant(0).await, gateway.merchant(0).await);
    let busy = endpoints(gateway, &unlucky, 96).await;
    let small = endpoint(gateway, &other, "[\"*\"]").await;
    let http = Arc::new(TurnsBad { good: url(&world, &small).await, posts: Mutex::default(), living: Receiver::answering(200) });
    tell(gateway, &unlucky, GOOD + 8, &busy).await;
    let mut lanes = JoinSet::new();
    start(gateway, &(Arc::clone(&http) as Arc<dyn Http>), LANES, &mut lanes);
    let said = || format!("{} were told while {} hang", http.living.count(), http.hanging());
    // All places, then those of who is slow, until no more may begin.
    until(|| http.hanging() >= PLACES, said).await;
    let told = || http.living.urls().iter().filter(|url| **url == http.good).count();
    for second in 1..=8 {
        tell(gateway, &other, 1, std::slice::from_ref(&small)).await;
        // What hangs may have all places, but for a second; then it is counted, until no more may begin.
        let before = http.hanging();
        gateway.clock.advance(Duration::from_secs(1));
        until(
            || told() == second || http.hanging() >= before + PLACES,
            || format!("in second {second} {} were told of, and {}", told(), said()),
        )
        .await;
    }
    until(|| told() == 8, || format!("in the end {} were told of, and {}", told(), said())).await;
    assert!(http.hanging() < LINGERING_MAX + PLACES, "{}", said());
    lanes.shutdown().await;
}

/// Every order of one shop that is down brings an endpoint of its own along, or its owner names a new host each time.
pub async fn a_shop_whose_orders_bring_dead_endpoints_delays_nobody_else(kind: Kind) {
    let one_host: Vec<String> = (0..300).map(|number| format!("https://dead.example/{number}")).collect();
    let many_hosts: Vec<String> = (0..300).map(|number| format!("https://dead-{number}.example/")).collect();
    for (urls, most) in [(one_host, 2), (many_hosts, UNPROVEN_MAX)] {
        let world = World::new(kind).await;
        let gateway = &world.gateway;
        let (shop, other) = (gateway.merchant(0).await, gateway.merchant(0).await);
        let doomed = brought_along(&world, &shop, "paywarden", &urls).await;
        let living = endpoint(gateway, &other, "[\"*\"]").await;
        let http = Arc::new(HalfDead { dead: urls.into_iter().collect(), hanging: Mutex::default(), living: Receiver::answering(200) });
        tell(gateway, &shop, 1, &doomed).await;
        gateway.clock.advance(Duration::from_secs(1));
        let mut lanes = JoinSet::new();
        start(gateway, &(Arc::clone(&http) as Arc<dyn Http>), LANES, &mut lanes);
        let said = || format!("{} were told while {} hang", http.living.count(), http.hanging());
        until(|| http.hanging() > 0, said).await;
        tell(gateway, &other, 1, std::slice::from_ref(&living)).await;
        // The clock stands: nothing that hangs gives up its place.
        until(|| http.living.count() == 1, said).await;
        for told in 2..6 {
            gateway.clock.advance(Duration::from_secs(1));
            tell(gateway, &other, 1, std::slice::from_ref(&living)).await;
            until(|| http.living.count() == told, said).await;
        }
        assert!(http.hanging() <= most, "{}", said());
        lanes.shutdown().await;
    }
}

pub async fn a_burst_starves_nobody(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let organization = gateway.merchant(0).await;
    let [busy, small] = [endpoint(gateway, &organization, "[\"*\"]").await, endpoint(gateway, &organization, "[\"*\"]").await];
    let receiver = Receiver::answering(200);
    let mut lane = Deliver::new(gateway.app.clone(), Arc::clone(&receiver) as Arc<dyn Http>, Arc::default(), Arc::default());
    tell(gateway, &organization, 1_500, std::slice::from_ref(&busy)).await;
    for _ in 0..30 {
        assert_eq!(lane.step().await.expect("a step"), Did::Work);
    }
    gateway.clock.advance(Duration::from_millis(500));
    tell(gateway, &organization, 1, std::slice::from_ref(&small)).await;
    let told = receiver.count();
    let small_url = url(&world, &small).await;
    while receiver.urls().iter().all(|url| *url != small_url) {
        assert_eq!(lane.step().await.expect("a step"), Did::Work);
        assert!(receiver.count() - told < 40, "one event waits behind {} of another's", receiver.count() - told);
    }
}

pub async fn many_bursts_starve_nobody(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let organization = gateway.merchant(0).await;
    // So many that together they could have all that may wait, and among the oldest deliveries is none but theirs.
    let busy = endpoints(gateway, &organization, 24).await;
    let small = endpoint(gateway, &organization, "[\"*\"]").await;
    let receiver = Receiver::answering(200);
    let mut lane = Deliver::new(gateway.app.clone(), Arc::clone(&receiver) as Arc<dyn Http>, Arc::default(), Arc::default());
    for _ in 0..100 {
        tell(gateway, &organization, 1, &busy).await;
        gateway.clock.advance(Duration::from_millis(1));
    }
    for _ in 0..300 {
        assert_eq!(lane.step().await.expect("a step"), Did::Work);
    }
    tell(gateway, &organization, 1, std::slice::from_ref(&small)).await;
    let told = receiver.count();
    let small_url = url(&world, &small).await;
    // What was claimed before it goes first, and then it has its turn.
    while !receiver.urls().contains(&small_url) {
        assert_eq!(lane.step().await.expect("a step"), Did::Work);
        assert!(receiver.count() - told < 250, "one event waits behind {} of others'", receiver.count() - told);
    }
}

/// However much one organization has waiting, and for however many hosts: as soon as it may have no more under way, nobody looks there.
pub async fn another_is_found_behind_thousands_of_hosts(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let organizations = [gateway.merchant(0).await, gateway.merchant(0).await, gateway.merchant(0).await];
    let ordered = BTreeSet::from(organizations);
    let [first, shop, last] = ordered.iter().collect::<Vec<_>>()[..] else { panic!("three organizations") };
    let some = endpoint(gateway, shop, "[\"*\"]").await;
    let host = |number: usize| format!("dead-{number:04}.example:443");
    for number in 0..1_000 {
        tell(gateway, shop, 1, std::slice::from_ref(&some)).await;
        let elsewhere = format!("UPDATE deliveries SET receiver = '{}' WHERE receiver = '{some}'", host(number));
        world.place.execute(&elsewhere).await;
    }
    gateway.clock.advance(Duration::from_secs(1));
    for other in [first, last] {
        let to = endpoint(gateway, other, "[\"*\"]").await;
        tell(gateway, other, 1, std::slice::from_ref(&to)).await;
    }
    let look = async |walk: &mut Walk, has_room: &dyn Fn(&OrganizationId) -> bool| {
        deliveries::due(&gateway.app, walk, has_room, gateway.now()).await.expect("who is due")
    };
    let of =
        |due: &[deliveries::DueReceiver], whose: &OrganizationId| due.iter().filter(|one| one.receiver.organization_id == *whose).count();
    let mut walk = Walk::default();
    let found = look(&mut walk, &|whose| whose != shop).await;
    assert_eq!((of(&found, first), of(&found, last), walk.is_round()), (1, 1, true), "at one look");
    // While it may have more, every second look sees more of it, until all of it was seen, and each of the others all the while.
    let (mut seen, mut looks, mut others) = (BTreeSet::new(), 0, 0);
    loop {
        let found = look(&mut walk, &|_| true).await;
        others += of(&found, first) + of(&found, last);
        seen.extend(found.into_iter().filter(|one| one.receiver.organization_id == *shop).map(|one| one.receiver.name));
        looks += 1;
        assert!(looks <= 2 * (1_000 / 64 + 1), "{} were seen at {looks} looks", seen.len());
        assert!(others >= looks, "the others were seen {others} times at {looks} looks");
        if walk.is_round() {
            break;
        }
    }
    assert_eq!(seen, (0..1_000).map(host).collect());
}

/// One person with many organizations, or a cloud with many customers: receivers that answer well, and then none does.
pub async fn many_organizations_whose_receivers_hang_leave_places_for_others(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let other = gateway.merchant(0).await;
    let small = endpoint(gateway, &other, "[\"*\"]").await;
    let http = Arc::new(TurnsBad { good: url(&world, &small).await, posts: Mutex::default(), living: Receiver::answering(200) });
    for _ in 0..12 {
        let theirs = gateway.merchant(0).await;
        let busy = endpoints(gateway, &theirs, 20).await;
        tell(gateway, &theirs, GOOD + 6, &busy).await;
    }
    let mut lanes = JoinSet::new();
    start(gateway, &(Arc::clone(&http) as Arc<dyn Http>), LANES, &mut lanes);
    let said = || format!("{} were told while {} hang", http.living.count(), http.hanging());
    until(|| http.hanging() >= PLACES, said).await;
    let told = || http.living.urls().iter().filter(|url| **url == http.good).count();
    for second in 1..=12 {
        tell(gateway, &other, 1, std::slice::from_ref(&small)).await;
        let before = http.hanging();
        gateway.clock.advance(Duration::from_secs(1));
        let done = || told() == second || http.hanging() >= before + PLACES;
        until(done, || format!("in second {second} {} were told of, and {}", told(), said())).await;
    }
    until(|| told() == 12, || format!("in the end {} were told of, and {}", told(), said())).await;
    assert!(http.hanging() < PLACES + SLOW_PLACES, "{}", said());
    lanes.shutdown().await;
}
