// A program that uses the bookshop's client in every way there is, and says what came of it as JSON.
// Its arguments are the address of the shop and a token.

import { AddRequest, ApiError, BookshopApiClient, Event } from "./bookshop_api";

declare const process: { argv: string[] };

const [, , baseUrl = "", token = ""] = process.argv;
const shop = new BookshopApiClient({ baseUrl: `${baseUrl}/`, token: async () => token });
const stranger = new BookshopApiClient({ baseUrl, headers: { "X-Trace": "1" } });

const dune: AddRequest = {
  isbn: "978?0 é",
  edition: 2,
  title: "Dune",
  authors: ["Herbert"],
  price: { amount: "9.90" },
  published: "1965-08-01T14:00:00+02:00",
};

async function failure(call: Promise<unknown>): Promise<unknown> {
  try {
    return { unexpected: await call };
  } catch (error) {
    return error instanceof ApiError ? { ...error.problem, message: error.message } : String(error);
  }
}

async function watched(stream: AsyncIterable<Event>): Promise<Event[]> {
  const events: Event[] = [];
  for await (const event of stream) events.push(event);
  return events;
}

async function main() {
  const leaving = new AbortController();
  leaving.abort();
  const added = await shop.adminAdd(dune);
  const purchase = await shop.purchaseCreate({
    key: "k-1",
    currency: "EUR",
    lines: [{ isbn: dune.isbn }],
    address: { street: "Main", city: "Here" },
  });
  const cover = await shop.adminCover({
    isbn: dune.isbn,
    front: new Blob(["front"], { type: "image/png" }),
    samples: [new Blob(["1"]), new Blob(["22"])],
    caption: "a \"caption\"",
  });
  const sales = await shop.adminSales({ year: 2026 });
  console.log(JSON.stringify({
    added,
    got: (await shop.get({ isbn: dune.isbn })).title,
    found: (await shop.search({ number: 1, author: "Herbert", languages: ["en", "de"] })).total,
    everything: (await shop.search()).total,
    listed: (await shop.list({ isbns: [dune.isbn] })).map((book) => book.id),
    prices: await shop.prices([dune.isbn]),
    suggested: await shop.suggest({ Dune: 1 }),
    newest: await shop.newest(),
    echoed: await shop.echo({ "any": [1, null] }),
    open: String(await shop.open()),
    purchase,
    cover,
    sales: [sales.type, await sales.text()],
    events: await watched(shop.purchaseWatch({ id: "k-1" })),
    unknown: await failure(watched(shop.purchaseWatch({ id: "k-2" }))),
    missing: await failure(shop.get({ isbn: "1" })),
    wrong: await failure(shop.search({ number: 0, size: 101 })),
    nobody: await failure(stranger.purchaseGet({ id: "k-1" })),
    elsewhere: await Promise.all(["", "..", "a/b"].map((isbn) => failure(shop.get({ isbn })))),
    aborted: await failure(shop.search({}, { signal: leaving.signal })),
  }));
}

main();
