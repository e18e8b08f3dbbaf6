/** The shell: where one is, what else there is, how it looks and speaks. */
import { Menu, MenuButton, MenuButtonArrow, MenuProvider } from "@ariakit/react";
import { BookOpenText, CalendarDays, Columns2, Heart, House, Map as MapIcon, Settings2, Sparkles, Users, type LucideIcon } from "lucide-react";
import { Suspense, lazy, useEffect, useRef } from "react";
import { Link, Route, Switch, useLocation } from "wouter";
import { type Key, useMessages } from "./i18n";
import { useList } from "./state/mine";
import { LANGUAGES, THEMES, TITLES, change, useSettings } from "./state/settings";
import { Anime } from "./screens/anime";
import { List } from "./screens/list";
import { Results } from "./screens/results";
import { Start } from "./screens/start";
import { Empty, Heading, Waiting } from "./ui/basics";
import { UndoStrip } from "./ui/undo";

const Browse = lazy(() => import("./screens/browse"));
const Compare = lazy(() => import("./screens/compare"));
const Group = lazy(() => import("./screens/group"));
const AnimeMap = lazy(() => import("./screens/map"));
const Model = lazy(() => import("./screens/model"));

const PLACES: { href: string; key: Key; icon: LucideIcon }[] = [
  { href: "/", key: "nav.start", icon: House },
  { href: "/results", key: "nav.results", icon: Sparkles },
  { href: "/list", key: "nav.list", icon: Heart },
  { href: "/browse", key: "nav.browse", icon: CalendarDays },
  { href: "/map", key: "nav.map", icon: MapIcon },
  { href: "/group", key: "nav.group", icon: Users },
  { href: "/compare", key: "nav.compare", icon: Columns2 },
  { href: "/model", key: "nav.model", icon: BookOpenText },
];

export function App() {
  const { t } = useMessages();
  const { language, theme } = useSettings();
  const [path] = useLocation();
  const before = useRef(path);

  useEffect(() => {
    document.documentElement.lang = language;
  }, [language]);
  useEffect(() => {
    if (theme === "system") delete document.documentElement.dataset["theme"];
    else document.documentElement.dataset["theme"] = theme;
  }, [theme]);
  useEffect(() => {
    if (before.current === path) return; // the first screen keeps the place that the browser gave it
    before.current = path;
    window.scrollTo(0, 0);
    document.querySelector<HTMLElement>("main h1")?.focus({ preventScroll: true });
  }, [path]);

  return (
    <>
      <a className="skip" href="#main">
        {t("nav.skip")}
      </a>
      <header className="top">
        <Link href="/" className="brand" aria-label={t("nav.home")}>
          <img src="/favicon.svg" alt="" width={28} height={28} />
          <span>anirec</span>
        </Link>
        <Nav />
        <Preferences />
      </header>
      <Suspense
        fallback={
          <main className="screen" id="main">
            <Waiting rows={2} />
          </main>
        }
      >
        <Switch>
          <Route path="/" component={Start} />
          <Route path="/list" component={List} />
          <Route path="/results" component={Results} />
          <Route path="/browse" component={Browse} />
          <Route path="/map" component={AnimeMap} />
          <Route path="/group" component={Group} />
          <Route path="/compare" component={Compare} />
          <Route path="/model" component={Model} />
          <Route path="/anime/:id">
            {({ id }) => (/^[1-9]\d{0,9}$/.test(id) ? <Anime key={id} id={Number(id)} /> : <Nowhere />)}
          </Route>
          <Route component={Nowhere} />
        </Switch>
      </Suspense>
      <UndoStrip />
    </>
  );
}

function Nav() {
  const { t } = useMessages();
  const [path] = useLocation();
  const { profile } = useList();
  const count = Object.keys(profile).length;
  return (
    <nav className="nav" aria-label={t("nav.label")}>
      {PLACES.map(({ href, key, icon: Icon }) => (
        <Link key={href} href={href} className="nav-link" aria-current={path === href ? "page" : undefined}>
          <Icon size={19} aria-hidden="true" />
          <span>{t(key)}</span>
          {href === "/list" && count > 0 ? <span className="count">{count}</span> : null}
        </Link>
      ))}
    </nav>
  );
}

/** Language, titles and looks; a menu would close at every choice, so it is a small form. */
function Preferences() {
  const { t } = useMessages();
  const now = useSettings();
  return (
    <MenuProvider>
      <MenuButton className="icon-button" aria-label={t("settings.title")}>
        <Settings2 size={20} aria-hidden="true" />
        <MenuButtonArrow className="hidden-text" />
      </MenuButton>
      <Menu className="menu settings" gutter={8} portal role="dialog" aria-label={t("settings.title")} composite={false}>
        <label className="field">
          <span>{t("settings.language")}</span>
          <select
            value={now.language}
            onChange={(event) => {
              const language = LANGUAGES.find((name) => name === event.target.value);
              if (language) change({ language });
            }}
          >
            <option value="en">English</option>
            <option value="de">Deutsch</option>
            <option value="ja">日本語</option>
          </select>
        </label>
        <label className="field">
          <span>{t("settings.titles")}</span>
          <select
            value={now.titles}
            onChange={(event) => {
              const titles = TITLES.find((name) => name === event.target.value);
              if (titles) change({ titles });
            }}
          >
            {TITLES.map((name) => (
              <option key={name} value={name}>
                {t(`titles.${name}`)}
              </option>
            ))}
          </select>
        </label>
        <label className="field">
          <span>{t("settings.theme")}</span>
          <select
            value={now.theme}
            onChange={(event) => {
              const theme = THEMES.find((name) => name === event.target.value);
              if (theme) change({ theme });
            }}
          >
            {THEMES.map((name) => (
              <option key={name} value={name}>
                {t(`theme.${name}`)}
              </option>
            ))}
          </select>
        </label>
        <p className="hint">{t("settings.private")}</p>
      </Menu>
    </MenuProvider>
  );
}

function Nowhere() {
  const { t } = useMessages();
  return (
    <main className="screen narrow" id="main">
      <Heading title={t("nowhere.title")}>{t("nowhere.title")}</Heading>
      <Empty title={t("nowhere.line")}>
        <Link href="/" className="button primary">
          {t("nav.start")}
        </Link>
      </Empty>
    </main>
  );
}
