//! What becomes of orders, counted from scratch: a list of all that payers, merchants, the chain and the clock of the work did, read from its
//! beginning each time, in whole numbers. It must use none of the rules that are compared with it.

/// Whoever is given an address: an order, or a deposit reference, which asks for nothing.
#[derive(Debug, Clone)]
pub(super) struct Held {
    pub(super) address: usize,
    pub(super) begins: i64,
    pub(super) asks: Option<Asks>,
}

#[derive(Debug, Clone)]
pub(super) struct Asks {
    pub(super) amount: u64,
    pub(super) kind: usize,
    pub(super) closes: i64,
    pub(super) by_link: bool,
}

/// What somebody sends, in whichever block. `kind`: of which token on which chain.
#[derive(Debug, Clone)]
pub(super) struct Sent {
    pub(super) address: usize,
    pub(super) amount: u64,
    pub(super) kind: usize,
}

/// What happened.
#[derive(Debug, Clone)]
pub(super) enum Fact {
    Held(Held),
    Sent(Sent),
    /// A block of this time, with these of all that was ever sent.
    Block(i64, Vec<usize>),
    /// No block above this one is part of the chain any more.
    TakenBack(usize),
    /// What has enough confirmations was counted.
    Settled,
    /// Whose time was over was looked for.
    Looked,
    /// That many of those who were given an address let go of it: at this time.
    LetGo(usize, i64),
}

/// What a deployment has decided.
#[derive(Debug, Clone, Copy)]
pub(super) struct Decided {
    pub(super) required: usize,
    pub(super) counts_at_rest: bool,
    pub(super) rests_below: usize,
    pub(super) tolerance: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Counts,
    Late,
    Wrong,
    Nobody,
}

/// What is known of something sent.
#[derive(Debug)]
pub(super) struct Transfer {
    sent: Sent,
    /// Who had the address when it was seen for the first time: it is theirs, in whichever block it stands later.
    first: Option<Option<usize>>,
    pub(super) verdict: Verdict,
    pub(super) block: Option<usize>,
    pub(super) confirmed: bool,
}

/// What is known of whoever was given an address.
#[derive(Debug)]
pub(super) struct Holder {
    held: Held,
    released: Option<i64>,
    pub(super) completed: bool,
    pub(super) expired: bool,
    pub(super) late: bool,
    pub(super) shown: Option<usize>,
}

#[derive(Debug)]
pub(super) struct Recount {
    decided: Decided,
    blocks: Vec<i64>,
    rest: usize,
    pub(super) transfers: Vec<Transfer>,
    pub(super) holders: Vec<Holder>,
}

/// A hundredth of a token: less is dust.
const DUST_BELOW: u64 = 10_000;

fn noticed(came: u64, asked: u64) -> bool {
    came >= DUST_BELOW || (came > 0 && came >= asked)
}

impl Recount {
    /// Everything, from the first fact on.
    pub(super) fn of(facts: &[Fact], decided: Decided) -> Self {
        let mut all = Self { decided, blocks: vec![0], rest: 0, transfers: Vec::new(), holders: Vec::new() };
        for fact in facts {
            all.take(fact);
        }
        all
    }

    fn take(&mut self, fact: &Fact) {
        match fact {
            Fact::Held(held) => {
                let (held, released, shown) = (held.clone(), None, None);
                self.holders.push(Holder { held, released, completed: false, expired: false, late: false, shown });
            }
            Fact::Sent(sent) => {
                let (sent, first, block) = (sent.clone(), None, None);
                self.transfers.push(Transfer { sent, first, verdict: Verdict::Nobody, block, confirmed: false });
            }
            Fact::Block(time, found) => {
                self.blocks.push(*time);
                self.rest = self.rest.max(self.head().saturating_sub(self.decided.rests_below));
                for transfer in found {
                    self.judge(*transfer, *time);
                }
                self.show();
            }
            Fact::TakenBack(fork) => {
                self.blocks.truncate(fork + 1);
                for transfer in self.transfers.iter_mut().filter(|transfer| transfer.block > Some(*fork)) {
                    (transfer.block, transfer.confirmed) = (None, false);
                }
                for at in self.orders() {
                    self.holders[at].late &= noticed(self.late(at), self.asks(at).amount);
                }
                self.show();
            }
            Fact::Settled => {
                let enough: Vec<bool> = (0..self.blocks.len()).map(|block| self.has_enough(block)).collect();
                for transfer in &mut self.transfers {
                    transfer.confirmed |= transfer.block.is_some_and(|block| enough[block]);
                }
                self.show();
                for at in self.orders() {
                    self.holders[at].completed |= self.paid(at) && !self.holders[at].expired;
                    self.holders[at].late |= !self.holders[at].completed && noticed(self.late(at), self.asks(at).amount);
                }
                self.show();
            }
            Fact::Looked => {
                let over = |closes: i64| self.confirmed_time().is_some_and(|time| time > closes);
                let waits = |at: usize| self.standing(at).any(|transfer| !self.transfers[transfer].confirmed);
                let open = |at: &usize| !self.holders[*at].completed && over(self.asks(*at).closes) && !waits(*at);
                for at in self.orders().into_iter().filter(open).collect::<Vec<_>>() {
                    self.holders[at].expired = true;
                }
            }
            Fact::LetGo(at, time) => self.holders[*at].released = Some(*time),
        }
    }

    fn head(&self) -> usize {
        self.blocks.len() - 1
    }

    fn has_enough(&self, block: usize) -> bool {
        match self.decided.counts_at_rest {
            true => self.rest > 0 && block <= self.rest,
            false => self.blocks.len() - block >= self.decided.required,
        }
    }

    fn confirmed_time(&self) -> Option<i64> {
        (0..self.blocks.len()).filter(|block| self.has_enough(*block)).map(|block| self.blocks[block]).next_back()
    }

    fn orders(&self) -> Vec<usize> {
        (0..self.holders.len()).filter(|at| self.holders[*at].held.asks.is_some()).collect()
    }

    pub(super) fn asks(&self, order: usize) -> &Asks {
        self.holders[order].held.asks.as_ref().expect("an order")
    }

    /// Whose a transfer is that stands in a block of this time, and whether it counts for them.
    fn judge(&mut self, at: usize, time: i64) {
        let sent = &self.transfers[at].sent;
        let had = (0..self.holders.len()).filter(|holder| self.holders[*holder].held.address == sent.address);
        let now = had.filter(|holder| self.holders[*holder].held.begins <= time).max_by_key(|holder| self.holders[*holder].held.begins);
        let first = self.transfers[at].first.unwrap_or(now);
        let verdict = match first.map(|holder| &self.holders[holder]) {
            None => Verdict::Nobody,
            Some(_) if first != now => Verdict::Late,
            Some(Holder { held: Held { asks: Some(asks), .. }, .. }) if asks.kind != sent.kind => Verdict::Wrong,
            Some(Holder { held: Held { asks: Some(asks), .. }, expired, .. }) if *expired || time > asks.closes => Verdict::Late,
            Some(holder) if holder.released.is_some_and(|released| time >= released) => Verdict::Late,
            Some(_) => Verdict::Counts,
        };
        let block = Some(self.head());
        let transfer = &mut self.transfers[at];
        (transfer.first, transfer.verdict, transfer.block) = (Some(first), verdict, block);
    }

    /// The transfers that count for an order, and stand.
    fn standing(&self, order: usize) -> impl Iterator<Item = usize> {
        self.judged(order, Verdict::Counts)
    }

    fn judged(&self, order: usize, verdict: Verdict) -> impl Iterator<Item = usize> {
        let is_its =
            move |transfer: &Transfer| transfer.first == Some(Some(order)) && transfer.verdict == verdict && transfer.block.is_some();
        self.transfers.iter().enumerate().filter(move |(_, transfer)| is_its(transfer)).map(|(at, _)| at)
    }

    fn late(&self, order: usize) -> u64 {
        let kind = self.asks(order).kind;
        self.judged(order, Verdict::Late)
            .map(|at| &self.transfers[at])
            .filter(|it| it.confirmed && it.sent.kind == kind)
            .map(|it| it.sent.amount)
            .sum()
    }

    /// What was confirmed.
    pub(super) fn received(&self, order: usize) -> u64 {
        self.standing(order).map(|at| &self.transfers[at]).filter(|it| it.confirmed).map(|it| it.sent.amount).sum()
    }

    fn paid(&self, order: usize) -> bool {
        let (received, asked, tolerance) = (self.received(order), self.asks(order).amount, self.decided.tolerance);
        received > 0 && received + if tolerance < asked { tolerance } else { 0 } >= asked
    }

    pub(super) fn seen(&self, order: usize) -> bool {
        let came = self.standing(order).map(|at| self.transfers[at].sent.amount).sum();
        self.holders[order].completed || noticed(came, self.asks(order).amount)
    }

    pub(super) fn reverted(&self, order: usize) -> bool {
        self.holders[order].completed && !self.paid(order)
    }

    /// Which payment each order shows: of a completed one the same as before, else the newest of the confirmed, else the newest. Dust only
    /// where there is nothing else, and nothing before there is something to notice.
    fn show(&mut self) {
        for order in self.orders() {
            let is_dust = |at: usize| self.transfers[at].sent.amount < DUST_BELOW;
            let (seen, only_dust) = (self.seen(order), self.standing(order).all(is_dust));
            let kept = self.holders[order].shown.filter(|_| self.holders[order].completed);
            let shown = self.standing(order).filter(|at| kept == Some(*at) || (seen && (only_dust || !is_dust(*at))));
            let best = shown.max_by_key(|at| (kept == Some(*at), self.transfers[*at].confirmed, self.transfers[*at].block, *at));
            self.holders[order].shown = best.or(kept);
        }
    }

    /// How many of a link's offer are sold, and how many held by orders that are open.
    pub(super) fn of_link(&self) -> (u64, u64) {
        let made = || self.holders.iter().filter(|holder| holder.held.asks.as_ref().is_some_and(|asks| asks.by_link));
        (made().filter(|it| it.completed).count() as u64, made().filter(|it| !it.completed && !it.expired).count() as u64)
    }
}
