// Pays on a Solana test node, with the libraries that wallets are made of: the gateway is judged by somebody else's code.
// One JSON command a line on stdin, one JSON answer a line on stdout, {"ok": …} or {"error": text}; it ends when stdin does.
//
//   NODE_PATH=…/node_modules node payer.js http://127.0.0.1:8899
'use strict';

const web3 = require('@solana/web3.js');
const token = require('@solana/spl-token');

const url = process.argv[2];
const connection = new web3.Connection(url, 'processed');
const PROGRAMS = { token: token.TOKEN_PROGRAM_ID, token2022: token.TOKEN_2022_PROGRAM_ID };
const MEMO = new web3.PublicKey('MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr');
// Enough for any test, far from any overflow.
const SUPPLY = 1n << 60n;
const SOL = 1_000_000_000;

const payer = web3.Keypair.generate();
// What this program made and can sign for, by address.
const mints = new Map();
const wallets = new Map([[payer.publicKey.toBase58(), payer]]);

async function cheat(method, ...params) {
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params });
    const answer = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
    const { error } = await answer.json();
    if (error) throw new Error(`${method}: ${error.message}`);
}

const fund = (key) => cheat('surfnet_setAccount', key.toBase58(), { lamports: 1000 * SOL });

let sent = 0;

// Signs, sends and waits until the node has run it. Answers its signature, its slot and its error, if it failed.
async function send(instructions, signers = [], tables = []) {
    // Two equal payments under one blockhash would be one transaction: each asks for another number of compute units.
    sent += 1;
    const limit = web3.ComputeBudgetProgram.setComputeUnitLimit({ units: 1_000_000 - (sent % 500_000) });
    const { blockhash } = await connection.getLatestBlockhash('processed');
    const message = new web3.TransactionMessage({ payerKey: payer.publicKey, recentBlockhash: blockhash, instructions: [limit, ...instructions] });
    // Old wallets send legacy transactions, and only v0 knows lookup tables.
    const compiled = tables.length > 0 ? message.compileToV0Message(tables) : message.compileToLegacyMessage();
    const transaction = new web3.VersionedTransaction(compiled);
    transaction.sign([payer, ...signers]);
    // Unchecked: a transaction that will fail must reach a block too.
    const signature = await connection.sendTransaction(transaction, { skipPreflight: true });
    const deadline = Date.now() + 20_000;
    while (Date.now() < deadline) {
        const { value: [status] } = await connection.getSignatureStatuses([signature]);
        if (status) return { signature, slot: status.slot, err: status.err };
        await new Promise((resolve) => setTimeout(resolve, 5));
    }
    throw new Error(`${signature} is in no block after 20 s`);
}

async function succeed(...what) {
    const done = await send(...what);
    if (done.err) throw new Error(`${done.signature} failed: ${JSON.stringify(done.err)}`);
    return done;
}

// A wallet, its token account for a mint, and what instructions about both need.
function at(wallet, mintAddress) {
    const mint = mints.get(mintAddress);
    if (!mint) throw new Error(`no mint ${mintAddress} was made here`);
    const owner = new web3.PublicKey(wallet);
    // Off-curve owners too: whether that is wise is for the gateway to say.
    const account = token.getAssociatedTokenAddressSync(mint.key, owner, true, mint.program);
    const open = token.createAssociatedTokenAccountIdempotentInstruction(payer.publicKey, account, owner, mint.key, mint.program);
    return { ...mint, owner, account, open };
}

const keyOf = (wallet) => {
    const signer = wallets.get(wallet);
    if (!signer) throw new Error(`the key of ${wallet} is not here`);
    return signer;
};

const own = (mint) => at(payer.publicKey.toBase58(), mint.toBase58()).account;

function transfer({ key, decimals, program, fee }, from, to, amount, checked) {
    if (!checked) return token.createTransferInstruction(from, to, payer.publicKey, amount, [], program);
    if (fee > 0n) {
        const withheld = (amount * fee + 9_999n) / 10_000n;
        return token.createTransferCheckedWithFeeInstruction(from, key, to, payer.publicKey, amount, decimals, withheld, [], program);
    }
    return token.createTransferCheckedInstruction(from, key, to, payer.publicKey, amount, decimals, [], program);
}

// A table that holds these keys. It may be used in the slots after the one in which it was extended.
async function lookupTable(addresses) {
    const authority = payer.publicKey;
    const recentSlot = await connection.getSlot('finalized');
    const [create, key] = web3.AddressLookupTableProgram.createLookupTable({ authority, payer: authority, recentSlot });
    const extend = web3.AddressLookupTableProgram.extendLookupTable({ lookupTable: key, authority, payer: authority, addresses });
    const { slot } = await succeed([create, extend]);
    while ((await connection.getSlot('processed')) <= slot) await new Promise((resolve) => setTimeout(resolve, 5));
    return (await connection.getAddressLookupTable(key)).value;
}

const commands = {
    // A mint at an address of the caller's choice (a real token's), or at a new one; its money belongs to the payer.
    async mint({ address, decimals, program = 'token', fee_basis_points: basisPoints = 0 }) {
        const signer = web3.Keypair.generate();
        const key = address ? new web3.PublicKey(address) : signer.publicKey;
        const mint = { key, decimals, program: PROGRAMS[program], fee: BigInt(basisPoints) };
        const create = [];
        if (address) {
            // As the program would have written it. Nobody has the real address's key to sign for its creation.
            const data = Buffer.alloc(token.MINT_SIZE);
            const nobody = web3.PublicKey.default;
            token.MintLayout.encode({
                mintAuthorityOption: 1, mintAuthority: payer.publicKey, supply: 0n, decimals, isInitialized: true,
                freezeAuthorityOption: 0, freezeAuthority: nobody,
            }, data);
            await cheat('surfnet_setAccount', address, { lamports: SOL, owner: mint.program.toBase58(), data: data.toString('hex') });
        } else {
            const extensions = mint.fee > 0n ? [token.ExtensionType.TransferFeeConfig] : [];
            const space = token.getMintLen(extensions);
            create.push(web3.SystemProgram.createAccount({
                fromPubkey: payer.publicKey, newAccountPubkey: key, space, lamports: SOL, programId: mint.program,
            }));
            if (mint.fee > 0n) {
                create.push(token.createInitializeTransferFeeConfigInstruction(
                    key, payer.publicKey, payer.publicKey, basisPoints, SUPPLY, mint.program,
                ));
            }
            create.push(token.createInitializeMint2Instruction(key, decimals, payer.publicKey, null, mint.program));
        }
        mints.set(key.toBase58(), mint);
        const { account, open } = at(payer.publicKey.toBase58(), key.toBase58());
        const issue = token.createMintToInstruction(key, account, payer.publicKey, SUPPLY, [], mint.program);
        await succeed([...create, open, issue], address ? [] : [signer]);
        return { mint: key.toBase58() };
    },

    // A wallet with lamports, whose key is here.
    async wallet() {
        const signer = web3.Keypair.generate();
        await fund(signer.publicKey);
        wallets.set(signer.publicKey.toBase58(), signer);
        return { wallet: signer.publicKey.toBase58() };
    },

    // Where the wallet's tokens of this mint go, whether it is there or not.
    async account({ wallet, mint }) {
        return { account: at(wallet, mint).account.toBase58() };
    },

    // One transaction that pays each of the amounts, and makes the token account if it is missing.
    async pay({ wallet, mint, amounts, checked = true, memo, reference, lookup = false, fail = false }) {
        const to = at(wallet, mint);
        const from = own(to.key);
        const transfers = amounts.map((amount) => transfer(to, from, to.account, BigInt(amount), checked));
        for (const instruction of reference ? transfers : []) {
            instruction.keys.push({ pubkey: new web3.PublicKey(reference), isSigner: false, isWritable: false });
        }
        // As wallets do: a second payment does not mention its owner.
        const open = (await connection.getAccountInfo(to.account, 'processed')) ? [] : [to.open];
        const instructions = [...open, ...transfers];
        if (memo) instructions.push(new web3.TransactionInstruction({ programId: MEMO, keys: [], data: Buffer.from(memo, 'utf8') }));
        // More than there is: the whole transaction fails, after the transfers before it.
        if (fail) instructions.push(transfer(to, from, to.account, SUPPLY * 2n, checked));
        const tables = lookup ? [await lookupTable([to.account, to.key, from])] : [];
        return { ...(await send(instructions, [], tables)), account: to.account.toBase58() };
    },

    // Somebody fills a token account of his own and then makes the wallet its owner: nobody has paid.
    async give({ wallet, mint, amount }) {
        const to = at(wallet, mint);
        const attacker = await commands.wallet();
        const forged = at(attacker.wallet, mint);
        const set = token.createSetAuthorityInstruction(
            forged.account, forged.owner, token.AuthorityType.AccountOwner, to.owner, [], to.program,
        );
        const fill = transfer(to, own(to.key), forged.account, BigInt(amount), true);
        return { ...(await send([forged.open, fill, set], [keyOf(attacker.wallet)])), account: forged.account.toBase58() };
    },

    // The wallet sends all it has back and closes its token account; with an amount, it is opened and paid again at once.
    async close({ wallet, mint, amount }) {
        const to = at(wallet, mint);
        const { value } = await connection.getTokenAccountBalance(to.account);
        const instructions = [];
        if (value.amount !== '0') {
            instructions.push(token.createTransferCheckedInstruction(
                to.account, to.key, own(to.key), to.owner, BigInt(value.amount), to.decimals, [], to.program,
            ));
        }
        instructions.push(token.createCloseAccountInstruction(to.account, payer.publicKey, to.owner, [], to.program));
        if (amount) instructions.push(to.open, transfer(to, own(to.key), to.account, BigInt(amount), true));
        return { ...(await send(instructions, [keyOf(wallet)])), account: to.account.toBase58() };
    },
};

async function answer(line) {
    try {
        const { do: name, ...given } = JSON.parse(line);
        return { ok: await commands[name](given) };
    } catch (error) {
        return { error: String(error && error.message ? error.message : error) };
    }
}

async function main() {
    await fund(payer.publicKey);
    console.log(JSON.stringify({ ok: { payer: payer.publicKey.toBase58() } }));
    for await (const line of require('readline').createInterface({ input: process.stdin })) {
        console.log(JSON.stringify(await answer(line)));
    }
}

main().catch((error) => {
    console.error(error);
    process.exit(1);
});
