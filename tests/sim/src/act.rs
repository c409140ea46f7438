//! What can happen in a world. An act is a kind and its luck: what it does in detail follows from both and from the world as it is, so that
//! acts can be left out of a story and the rest of it still makes sense.

use std::fmt;

use crate::dice::Dice;

macro_rules! kinds {
    ($($name:ident $weight:literal $always:literal,)+) => {
        /// The kinds of acts.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Kind { $($name,)+ }

        /// All of them, with how often each comes in a world that has all, and whether every world has it.
        pub const KINDS: &[(Kind, u64, bool)] = &[$((Kind::$name, $weight, $always),)+];
    };
}

kinds! {
    // Merchants
    Order 60 true,
    PayWarden 12 false,
    CryptoPay 12 false,
    Bind 10 false,
    Unbind 4 false,
    Link 4 false,
    OpenLink 10 false,
    Again 20 false,
    OtherBody 4 false,
    Import 4 false,
    Read 15 false,
    Foreign 4 false,
    Refused 6 false,
    Resend 3 false,
    Rotate 1 false,
    // Payers
    Pay 60 true,
    PayUnder 12 false,
    PayOver 6 false,
    PayParts 10 false,
    PayTwice 8 false,
    PayLate 10 false,
    PayWrongToken 6 false,
    PayWrongChain 6 false,
    PayDeposit 16 false,
    PaySeveral 6 false,
    PayLarge 4 false,
    PayStranger 3 false,
    // Attackers
    Forge 30 false,
    Dust 3 false,
    LinkSpam 2 false,
    ForgeWebhook 4 false,
    ReplayWebhook 4 false,
    // Nature
    Block 160 true,
    Blocks 25 true,
    Reorganise 14 false,
    ReorganiseDeep 3 false,
    BringBack 8 false,
    Stall 2 false,
    Tick 40 true,
    Jump 5 false,
    // Nodes
    NodeDown 5 false,
    NodeFlaky 5 false,
    NodeLags 5 false,
    NodeHides 5 false,
    NodeParts 4 false,
    NodeStale 4 false,
    NodesHeal 14 false,
    // Receivers
    ReceiverFails 5 false,
    ReceiverDown 3 false,
    ReceiverLoses 5 false,
    ReceiverGone 1 false,
    ReceiversHeal 8 false,
    // Servers
    Work 200 true,
    WorkAll 60 true,
    Hold 20 false,
    LetGo 20 false,
    LoseAnswer 10 false,
    LoseRequest 4 false,
    CrashBetween 6 false,
    CrashInCall 8 false,
    CrashInStep 10 false,
    Restart 2 false,
    Backup 2 false,
    Restore 1 false,
    ClockOff 3 false,
    Second 4 false,
    Pause 6 false,
}

/// Something that happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Act {
    pub kind: Kind,
    pub luck: u64,
}

impl Act {
    /// As it was written down.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (name, luck) = text.trim().split_once(':')?;
        let (kind, ..) = KINDS.iter().find(|(kind, ..)| format!("{kind:?}") == name)?;
        Some(Self { kind: *kind, luck: luck.parse().ok()? })
    }
}

impl fmt::Display for Act {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}:{}", self.kind, self.luck)
    }
}

/// How often each kind comes in one world.
#[derive(Debug, Clone)]
pub struct Mix(Vec<(Kind, u64)>);

impl Mix {
    /// A seed's: some kinds it has not at all, others more often.
    #[must_use]
    pub fn new(dice: &mut Dice) -> Self {
        let weight = |(kind, weight, always): &(Kind, u64, bool)| {
            let (there, times) = (dice.permille(600), [1, 1, 2, 5][dice.index(4)]);
            let weight = if *always { weight * times.min(2) } else { weight * times };
            (there || *always).then_some((*kind, weight))
        };
        Self(KINDS.iter().filter_map(weight).collect())
    }

    /// What every world has, and these kinds more often than anything else: for worlds about one thing.
    #[must_use]
    pub fn about(kinds: &[Kind]) -> Self {
        let always = KINDS.iter().filter(|(.., always)| *always).map(|(kind, weight, _)| (*kind, *weight));
        Self(always.chain(kinds.iter().map(|kind| (*kind, 40))).collect())
    }

    /// What happens next.
    #[must_use]
    pub fn draw(&self, dice: &mut Dice) -> Act {
        let all: u64 = self.0.iter().map(|(_, weight)| weight).sum();
        let mut left = dice.below(all);
        for (kind, weight) in &self.0 {
            match left.checked_sub(*weight) {
                Some(rest) => left = rest,
                None => return Act { kind: *kind, luck: dice.roll() },
            }
        }
        Act { kind: Kind::Block, luck: dice.roll() }
    }
}
