export default function Page() {
  return <p>the page of your app</p>
}
