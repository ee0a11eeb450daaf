/** The disclosure policy. Its clock is the strictest of our promises, whatever a law would allow. */
export function SecurityPage({ contacts, origin }: { contacts: readonly string[]; origin: string }) {
  return (
    <article class="guide">
      <header class="intro">
        <p class="kicker">Security</p>
        <h1>If you found a hole</h1>
        <p class="lead">Tell us, and a person answers within 24 hours, on every day of the year.</p>
      </header>
      <section>
        <h2>Whom to tell</h2>
        {contacts.length === 0 ? (
          <p>The operator of this deployment has configured no contact yet.</p>
        ) : (
          <ul>
            {contacts.map((contact) => (
              <li>
                <a href={contact}>{contact.replace(/^(?:mailto|tel):/, "")}</a>
              </li>
            ))}
          </ul>
        )}
        <p>
          The same is in <a href="/.well-known/security.txt">security.txt</a> for programs. Write in English,
          say how it can be seen again, and name the request ids (<code>X-Request-Id</code>) of what you
          tried.
        </p>
      </section>
      <section>
        <h2>What you can count on</h2>
        <ol class="clock">
          <li>
            <b>24 hours</b> A person confirms that your report has arrived and been read.
          </li>
          <li>
            <b>24 hours</b> From the moment we know that somebody's data was touched, every affected business
            is told: what, when, whose, and what we did.
          </li>
          <li>
            <b>5 days</b> You hear whether we could see it, how grave we find it, and what comes next.
          </li>
          <li>
            <b>90 days</b> Mended and published, with your name if you like. Sooner wherever it is possible;
            later only if you agree.
          </li>
        </ol>
      </section>
      <section>
        <h2>What we ask</h2>
        <ul>
          <li>Use accounts and tenants of your own; a sandbox tenant is enough for nearly everything.</li>
          <li>Stop at the first record that is not yours, keep nothing of it, and say so in your report.</li>
          <li>No floods, no social engineering, nothing against people or buildings.</li>
          <li>Give us the time above before you publish.</li>
        </ul>
        <p>
          Whoever keeps to this acts with our permission: we take no legal step against them, and say so to
          others who would.
        </p>
      </section>
      <section>
        <h2>What this covers</h2>
        <p>
          <code>{origin}</code> and the code it runs. The platform below it (network, TLS, machines) has its
          own programme; what you find there is best told to Cloudflare.
        </p>
      </section>
    </article>
  );
}
