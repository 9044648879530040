// A certified OpenID provider (node-oidc-provider) with its own pages for signing in and saying yes.
// Whoever signs in as NAME has the claims that accounts.json says; it is read anew each time.
// Its first line says where it is.
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { Provider } from "oidc-provider";

const { accounts, client, method } = JSON.parse(process.argv[2]);

const settings = {
  clients: [
    {
      client_id: client.id,
      client_secret: client.secret,
      redirect_uris: [client.back],
      post_logout_redirect_uris: [client.after],
      token_endpoint_auth_method: method,
    },
  ],
  pkce: { required: () => true },
  claims: {
    openid: ["sub"],
    email: ["email", "email_verified"],
    profile: ["name", "zoneinfo"],
    groups: ["groups"],
  },
  scopes: ["openid", "email", "profile", "groups"],
  findAccount: (_, sub) => ({
    accountId: sub,
    claims: () => ({ sub, ...JSON.parse(readFileSync(accounts, "utf8"))[sub] }),
  }),
};

const server = createServer();
server.listen(0, "127.0.0.1", () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  server.on("request", new Provider(issuer, settings).callback());
  console.log(issuer);
});
